import type { HttpHandler } from './http-exchange.ts';
import { textReply } from './http-exchange.ts';
import type { Metrics } from './metrics.ts';
import type { ProxyHealth } from './proxy-health.ts';
import { recordCheck } from './slis.ts';

/**
 * `/readyz` on both servers, an addition to kube-proxy's paths: 200 from the first success of every family on, and for good,
 * because rules that are in the kernel go on working.
 */
export function readyzHandler(health: ProxyHealth, metrics: Metrics): HttpHandler {
  return () => {
    const ready = health.synced;
    recordCheck(metrics, 'readyz', ready);
    return ready ? textReply(200, 'ok') : textReply(503, 'the rules of this node have not been written yet');
  };
}
