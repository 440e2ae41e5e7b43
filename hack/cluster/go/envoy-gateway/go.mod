module serin.dev/cluster/envoy-gateway

go 1.26.7

require (
	github.com/envoyproxy/gateway v1.9.1
	sigs.k8s.io/gateway-api v1.6.1
)
