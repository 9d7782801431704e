# Faultwire in one image: `docker build -t faultwire .`, or podman build, or
# `buildah bud --format docker` (the OCI format has no HEALTHCHECK).
#
# Where a build has no network: put the wheels of requirements/otel.txt into
# requirements/wheels/ and add --build-arg PIP_NO_INDEX=1 (deploy/image.sh does both).

ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ARG PIP_NO_INDEX=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
RUN python -m venv --without-pip /opt/faultwire
# The dependencies have a layer of their own: a change of the source leaves it as it is. Those of
# the extra `otel` are among them, for traces by OTLP; a process that sends none loads none.
COPY requirements/ requirements/
RUN python -m pip --python /opt/faultwire/bin/python install --only-binary :all: \
    --find-links requirements/wheels --require-hashes --requirement requirements/otel.txt
COPY LICENSE README.md pyproject.toml ./
COPY src/ src/
# The build backend is among the dependencies; it has done its work with this.
RUN python -m pip --python /opt/faultwire/bin/python install \
        --no-index --no-deps --no-build-isolation . \
    && python -m pip --python /opt/faultwire/bin/python uninstall --yes flit_core
COPY deploy/healthcheck.py /opt/faultwire/

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG BASE
LABEL org.opencontainers.image.title="faultwire" \
      org.opencontainers.image.description="Two HTTP services, the wire between them, and every way that wire can fail." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
COPY --from=build /opt/faultwire /opt/faultwire
# Bytecode was compiled above: nothing is written at run time, and the root may be read-only.
# Within a container's own network, every address is what "here" is on a laptop; the wire's
# control API alone stays on the container's loopback.
ENV PATH=/opt/faultwire/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    FAULTWIRE_HOST=0.0.0.0 \
    FAULTWIRE_WIRE_LISTEN=0.0.0.0:8082
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 8080 8081 8082
# Whichever of A, B and the wire runs here; HEALTH_URL names another address.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "/opt/faultwire/healthcheck.py"]
ENTRYPOINT ["faultwire"]
CMD ["--help"]
