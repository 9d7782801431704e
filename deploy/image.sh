#!/bin/sh
# Builds the image where the build itself has no network, with docker, podman or buildah:
#
#     deploy/image.sh [TAG] [ARCHIVE]
#
# The wheels are downloaded beforehand, by hash, for this machine's processor. ARCHIVE is a file
# that the image is written to as well: a docker-archive, which `docker load`, `kind load
# image-archive` and `ctr images import` read.
# BUILDER names the tool, BASE another base image, PYTHON_VERSION that image's Python, PYTHON the
# interpreter here whose pip downloads, BUILD_FLAGS more flags for the tool.
set -eu

cd "$(dirname "$0")/.."
tag=${1:-faultwire:0.1.0}
archive=${2:-}

die() {
    echo "image.sh: $*" >&2
    exit 1
}

builder() {
    for tool in docker podman buildah; do
        if command -v "$tool" >/dev/null; then
            echo "$tool"
            return
        fi
    done
    die "docker, podman or buildah is needed"
}

builder=${BUILDER:-$(builder)}
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT

mkdir -p "$context/deploy" "$context/requirements/wheels"
cp -R Dockerfile .dockerignore LICENSE README.md pyproject.toml src "$context"
cp deploy/healthcheck.py "$context/deploy"
cp requirements/otel.txt "$context/requirements"
"${PYTHON:-python3}" -m pip download --quiet --disable-pip-version-check --require-hashes \
    --only-binary :all: --python-version "${PYTHON_VERSION:-3.11}" \
    --requirement requirements/otel.txt --dest "$context/requirements/wheels"

set -- --build-arg PIP_NO_INDEX=1 --tag "$tag"
if [ -n "${BASE:-}" ]; then
    set -- "$@" --build-arg "BASE=$BASE"
fi
if revision=$(git rev-parse HEAD 2>/dev/null); then
    set -- "$@" --build-arg "REVISION=$revision"
fi
# shellcheck disable=SC2086 # several flags in one word
case $builder in
buildah) buildah bud --format docker ${BUILD_FLAGS:-} "$@" "$context" ;;
podman) podman build --format docker ${BUILD_FLAGS:-} "$@" "$context" ;;
*) "$builder" build ${BUILD_FLAGS:-} "$@" "$context" ;;
esac

if [ -n "$archive" ]; then
    case $builder in
    buildah) buildah push --quiet "$tag" "docker-archive:$archive:$tag" ;;
    podman) podman save --quiet --format docker-archive --output "$archive" "$tag" ;;
    *) "$builder" save --output "$archive" "$tag" ;;
    esac
fi
