{{/* (dict "image" .Values.image "chart" .Chart) */}}
{{- define "serin.image" -}}
{{- if .image.digest }}
{{- printf "%s@%s" .image.repository .image.digest }}
{{- else }}
{{- printf "%s:%s" .image.repository (default .chart.AppVersion .image.tag) }}
{{- end }}
{{- end }}

{{- define "serin.podSecurityContext" -}}
runAsNonRoot: true
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "serin.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Names stay unique, because server-side apply refuses a list with two of a name. */}}
{{- define "serin.env" -}}
{{- $extra := list }}
{{- range .Values.extraEnv }}{{ $extra = append $extra .name }}{{ end }}
{{- $prometheus := .Values.prometheus }}
{{- $env := list
  (dict "name" "SERIN_SERVER_IMAGE" "value" (include "serin.image" (dict "image" .Values.serverImage "chart" .Chart)))
  (dict "name" "SERIN_ROUTER_IMAGE" "value" (include "serin.image" (dict "image" .Values.routerImage "chart" .Chart)))
  (dict "name" "SERIN_PROMETHEUS_URL" "value" $prometheus.url)
  (dict "name" "SERIN_PROMETHEUS_TENANT" "value" $prometheus.tenant)
  (dict "name" "SERIN_PROMETHEUS_TOKEN_FILE" "value" (ternary "/etc/serin/token/token" "" (ne $prometheus.tokenSecret.name "")))
  (dict "name" "SERIN_PROMETHEUS_CA_FILE" "value" (ternary "/etc/serin/ca/ca.crt" "" (ne $prometheus.caConfigMap.name "")))
  (dict "name" "SERIN_LOG_LEVEL" "value" .Values.logLevel)
  (dict "name" "SERIN_LOG_FORMAT" "value" .Values.logFormat)
  (dict "name" "SERIN_WORKERS" "value" (toString .Values.workers))
}}
{{- range $env }}
{{- if and .value (not (has .name $extra)) }}
- {name: {{ .name }}, value: {{ .value | quote }}}
{{- end }}
{{- end }}
{{- if not (has "SERIN_NAMESPACES" $extra) }}
{{- if eq (join "," .Values.watchNamespaces) .Release.Namespace }}
- name: SERIN_NAMESPACES
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- else if .Values.watchNamespaces }}
- {name: SERIN_NAMESPACES, value: {{ join "," .Values.watchNamespaces | quote }}}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "serin.volumeMounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if .Values.prometheus.tokenSecret.name }}
- {name: prometheus-token, mountPath: /etc/serin/token, readOnly: true}
{{- end }}
{{- if .Values.prometheus.caConfigMap.name }}
- {name: prometheus-ca, mountPath: /etc/serin/ca, readOnly: true}
{{- end }}
{{- end }}

{{- define "serin.volumes" -}}
- {name: tmp, emptyDir: {}}
{{- with .Values.prometheus.tokenSecret }}{{ if .name }}
- name: prometheus-token
  secret: {secretName: {{ .name }}, items: [{key: {{ .key | quote }}, path: token}]}
{{- end }}{{ end }}
{{- with .Values.prometheus.caConfigMap }}{{ if .name }}
- name: prometheus-ca
  configMap: {name: {{ .name }}, items: [{key: {{ .key | quote }}, path: ca.crt}]}
{{- end }}{{ end }}
{{- end }}
