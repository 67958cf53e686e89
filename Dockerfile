# Threadmate in a container that can write nowhere but /data.
#
#   docker build -t threadmate .
#   docker run -d --name threadmate --env-file .env --restart unless-stopped \
#     --read-only --tmpfs /tmp:size=64m --cap-drop ALL --security-opt no-new-privileges \
#     --memory 1g --pids-limit 128 -v threadmate-data:/data threadmate
#
# The bot itself takes some 150 MB; the process that reads a file, one at a time, up to 640 MB for a few seconds.
# With less the largest pictures are not read, and said to be too large: the kernel ends that process, not the bot.
#
# It needs the way out to Slack, Discord and the Claude API, and no way in, but in Slack's HTTP mode.

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --only-binary :all: --no-deps --require-hashes -r requirements.lock

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 threadmate \
    && useradd --uid 10001 --gid threadmate --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin threadmate \
    && install --directory --owner threadmate --group threadmate --mode 0700 /data
COPY --from=build /venv /venv
COPY bot /app/bot
COPY adapters /app/adapters
COPY emulators /app/emulators
COPY playground /app/playground
# Compiled here, because nothing can be written later: else every start would compile it all again.
RUN /venv/bin/python -m compileall -q /app
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATABASE_URL=sqlite:////data/bot.db \
    SQLITE_TMPDIR=/data \
    BOT_HTTP_PORT=8080
WORKDIR /data
VOLUME ["/data"]
USER 10001:10001
STOPSIGNAL SIGTERM
# /readyz asks the database and every platform connection, so a bot that is up but deaf is not healthy.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('BOT_HTTP_PORT') or 8080}/readyz\", timeout=4)"]
ENTRYPOINT ["python", "-m", "bot"]
