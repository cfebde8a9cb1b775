# One small image for API, worker and keeper; the word after it says which.
# It has no compiler: every package comes as a wheel, pinned by version and hash (ADR-0005).

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY locks/all.txt locks/all.txt
# Of everything that is pinned, what makes our own wheel, and no more.
RUN awk '/^[a-z]/ { keep = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } keep' locks/all.txt > build.txt \
    && python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r build.txt
COPY pyproject.toml README.md LICENSE ./
COPY cdp cdp
COPY identity identity
COPY consent consent
COPY governance governance
COPY audit audit
COPY policies policies
COPY api api
RUN python -m pip wheel --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir wheel .

FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 \
    CDP_DATA_DIR=/var/lib/cdp/data \
    CDP_STATE_DIR=/var/lib/cdp/state \
    CDP_RELEASE_DIR=/var/lib/cdp-releases \
    CDP_HOST=0.0.0.0
COPY locks/runtime.txt /tmp/runtime.txt
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r /tmp/runtime.txt
COPY --from=build /build/wheel /tmp/wheel
# The volume of the state directory takes owner and mode from here when it is first used.
RUN python -m pip install --no-cache-dir --disable-pip-version-check --no-index --no-deps /tmp/wheel/*.whl \
    && rm -r /tmp/wheel /tmp/runtime.txt \
    && useradd --system --uid 10001 --no-create-home cdp \
    && install -d -o cdp -g cdp -m 700 /var/lib/cdp /var/lib/cdp-releases
WORKDIR /var/lib/cdp
USER 10001:10001
ENTRYPOINT ["cdp"]
CMD ["--help"]
