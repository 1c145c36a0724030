# The gateway image on OpenClaw's own: what creel needs of it is demanded and read, and the compile cache is baked into it.
# Only what the classic builder understands.
ARG BASE
FROM ${BASE} AS official
USER root
COPY official.mjs bake.mjs /usr/local/lib/creel/
ARG RELEASE
RUN node /usr/local/lib/creel/official.mjs "$RELEASE" \
 && cd /app && node /usr/local/lib/creel/bake.mjs /usr/local/share/openclaw/compile-cache
# As in the other recipe: root owns the cache, and the second variable keeps the launcher from a cache of its own.
ENV NODE_ENV=production HOME=/home/node \
 NODE_COMPILE_CACHE=/usr/local/share/openclaw/compile-cache OPENCLAW_PACKAGED_COMPILE_CACHE_RESPAWNED=1
WORKDIR /app
ENTRYPOINT []
CMD ["node", "openclaw.mjs", "gateway"]
USER node
