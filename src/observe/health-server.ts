import type { HttpHandler, HttpReply } from './http-exchange.ts';
import { jsonReply, routes } from './http-exchange.ts';
import type { Metrics } from './metrics.ts';
import type { HealthAnswer, ProxyHealth } from './proxy-health.ts';
import { readyzHandler } from './readyz.ts';
import { recordCheck } from './slis.ts';

/**
 * What the health server (port 10256) answers. Bodies are kube-proxy's; what it has no field for is in headers:
 * `X-Sluice-Ailments` says what is wrong, `X-Sluice-Freshness-Age` the seconds since the newest proof of freshness.
 */
export function healthPages(health: ProxyHealth, metrics: Metrics): HttpHandler {
  return routes({
    '/healthz': () => {
      const answer = health.healthz();
      recordCheck(metrics, 'healthz', answer.ok);
      metrics.increment('kubeproxy_proxy_healthz_total', { code: String(codeOf(answer)) });
      return reply(answer, health.freshnessAgeMs);
    },
    '/livez': () => {
      const answer = health.livez();
      recordCheck(metrics, 'livez', answer.ok);
      metrics.increment('kubeproxy_proxy_livez_total', { code: String(codeOf(answer)) });
      return reply(answer, health.freshnessAgeMs);
    },
    '/readyz': readyzHandler(health, metrics),
  });
}

function codeOf({ ok }: HealthAnswer): number {
  return ok ? 200 : 503;
}

function reply(answer: HealthAnswer, ageMs: number | undefined): HttpReply {
  return jsonReply(codeOf(answer), answer.body, {
    ...(answer.ok ? {} : { 'X-Sluice-Ailments': answer.ailments.join(', ') }),
    ...(ageMs === undefined ? {} : { 'X-Sluice-Freshness-Age': (ageMs / 1000).toFixed(1) }),
  });
}
