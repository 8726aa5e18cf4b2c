# A node in a container: docker build -t sluice . && docker run -p 7070:7070 -p 127.0.0.1:7080:7080 -v sluice:/var/lib/sluice sluice

FROM node:24-slim AS build
WORKDIR /opt/sluice
COPY package.json package-lock.json ./
COPY clients/typescript/package.json clients/typescript/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.base.json tsconfig.build.json ./
COPY clients/typescript clients/typescript
COPY src src
RUN npm run build

FROM node:24-slim AS packages
WORKDIR /opt/sluice
COPY package.json package-lock.json ./
COPY clients/typescript/package.json clients/typescript/
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /opt/sluice
COPY --from=packages /opt/sluice/node_modules node_modules
COPY --from=build /opt/sluice/clients/typescript/dist clients/typescript/dist
COPY --from=build /opt/sluice/dist/src dist/src
COPY package.json LICENSE ./
COPY clients/typescript/package.json clients/typescript/
COPY proto proto
COPY deploy/healthcheck.mjs deploy/
RUN install --directory --owner=node --group=node /var/lib/sluice

USER node
ENV SLUICE_HOST=0.0.0.0 SLUICE_HTTP_LISTEN=0.0.0.0:7080 SLUICE_DATA_DIR=/var/lib/sluice
VOLUME /var/lib/sluice
EXPOSE 7070 7080
# The node drains on SIGTERM: stop it with at least its --drain-ms of patience, as in docker stop --time 15.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "deploy/healthcheck.mjs"]
# Tasks come and go within moments: a larger young generation saves most of the copying, about a tenth of all time.
ENTRYPOINT ["node", "--max-semi-space-size=64", "dist/src/cli/main.js"]
CMD ["serve"]
