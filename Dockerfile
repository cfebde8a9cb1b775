# One small image for API, worker and keeper; the word after it says which.
# It has no compiler: every package comes as a wheel, pinned by version and hash (ADR-0005).
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/app \
    CDP_DATA_DIR=/var/lib/cdp/data \
    CDP_STATE_DIR=/var/lib/cdp/state \
    CDP_HOST=0.0.0.0

WORKDIR /app

COPY locks/runtime.txt locks/runtime.txt
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r locks/runtime.txt

COPY cdp cdp
COPY identity identity
COPY consent consent
COPY governance governance
COPY audit audit
COPY policies policies
COPY api api

# The volume of the state directory takes owner and mode from here when it is first used.
RUN python -m compileall -q /app \
    && useradd --system --uid 10001 --no-create-home cdp \
    && install -d -o cdp -g cdp -m 700 /var/lib/cdp

USER 10001:10001
ENTRYPOINT ["python", "-m", "api.cli"]
CMD ["--help"]
