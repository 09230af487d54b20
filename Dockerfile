# syntax=docker/dockerfile:1
# The image of the node agent: Node, the kernel's tools and one file. Built with `docker build --tag sluice:0.1.0 .`

# The Debian release whose nft and iptables the tests run with. Can be a mirror's name or a digest.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
# The packages change less often than the sources, so they have a layer of their own.
COPY package.json package-lock.json .npmrc ./
COPY .ci/setup.mjs .ci/
RUN node .ci/setup.mjs --no-tools
COPY . .
RUN npm run build

FROM ${NODE_IMAGE}
# netbase has /etc/protocols, by which nft knows tcp, udp and sctp; kmod is for the init container. Node is there to run
# one program, so what installs others goes.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends nftables iptables ipset ipvsadm conntrack iproute2 kmod netbase \
 && rm -rf /var/lib/apt/lists/* /var/cache/debconf/* /var/log/*.log /var/log/apt /usr/local/lib/node_modules /opt/yarn-* \
      /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg
# Nobody can write to it, root with capabilities dropped included.
COPY --from=build --chmod=0555 /src/dist/sluice.mjs /usr/local/lib/sluice/dist/sluice.mjs
# For `sluice demo`, which looks for them beside dist/.
COPY --from=build --chmod=0555 /src/deploy/examples /usr/local/lib/sluice/deploy/examples
# The second name is where kubeadm's DaemonSet looks for kube-proxy: a take-over is a change of image and nothing else.
RUN ln -s ../lib/sluice/dist/sluice.mjs /usr/local/bin/sluice \
 && ln -s sluice /usr/local/bin/kube-proxy \
 && sluice --version \
 && kube-proxy --version
ENV NODE_ENV=production

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sluice" \
      org.opencontainers.image.description="Service proxy for Linux Kubernetes nodes, in place of kube-proxy" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# For engines without probes of their own; Kubernetes does not look at it.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "require('http').get('http://127.0.0.1:10256/healthz', (r) => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]

# Root: Linux gives no capabilities to others here. Which ones it needs, and that it writes to no file of its own, is in deploy/base.
ENTRYPOINT ["/usr/local/bin/sluice"]
CMD ["run"]
