import type { Metrics } from './metrics.ts';

/** Counts an answer of a health check for /metrics/slis. */
export function recordCheck(metrics: Metrics, type: 'healthz' | 'livez' | 'readyz', ok: boolean): void {
  const labels = { name: 'proxy', type };
  metrics.set('kubernetes_healthcheck', labels, ok ? 1 : 0);
  metrics.increment('kubernetes_healthchecks_total', { ...labels, status: ok ? 'success' : 'error' });
}
