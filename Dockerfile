# Surefoot, hosted: see docs/operating.md. Built from the lock; runs as a user without rights, on a read-only root.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md ./
# A wheel whose hash is not the lock's is refused.
RUN python -m venv /tmp/tools \
 && /tmp/tools/bin/pip install -q --no-cache-dir --no-deps "$(sed -nE 's/^(uv==[^ ;\\]*).*/\1/p' requirements.lock)" \
 && /tmp/tools/bin/uv pip install -q --no-cache --python /tmp/tools/bin/python -c requirements.lock hatchling \
 && python -m venv --without-pip /opt/surefoot \
 && /tmp/tools/bin/uv pip install -q --no-cache --python /opt/surefoot/bin/python --compile-bytecode \
      -c requirements.lock -r pyproject.toml --extra hosted --extra cluster
COPY pipeline pipeline
COPY dashboard dashboard
RUN /tmp/tools/bin/uv build -q --wheel --no-build-isolation --python /tmp/tools/bin/python -o /tmp/wheel . \
 && /tmp/tools/bin/uv pip install -q --no-cache --python /opt/surefoot/bin/python --compile-bytecode --no-deps /tmp/wheel/*.whl

FROM python:3.13-slim
COPY --from=build /opt/surefoot /opt/surefoot
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin surefoot \
 && install -d -o surefoot -g surefoot -m 700 /data/workspace
ENV PATH=/opt/surefoot/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 SUREFOOT_LOG=json
USER surefoot
WORKDIR /data
VOLUME /data/workspace
EXPOSE 8050
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8050/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["surefoot"]
CMD ["--help"]
