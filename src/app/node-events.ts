import type { Advice } from '../backend/contract.ts';
import type { Clock } from '../base/clock.ts';
import type { SluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Problem } from '../model/problem.ts';
import { describeProblem } from '../model/problem.ts';
import type { KubeClient } from '../source/kube-client.ts';
import type { EventSubject } from '../source/kube-events.ts';
import { KubeEvents } from '../source/kube-events.ts';

/** kube-proxy's word for what is being done (section 4.6 of the reference). */
const START_ACTION = 'StartKubeProxy';

/** Kubernetes Events about this node's proxy; silent until it is connected, and with manifests for ever. */
export class NodeEvents {
  readonly #nodeName: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #events: KubeEvents | undefined;
  #skipped: ReadonlySet<string> = new Set();

  constructor(nodeName: string, clock: Clock, log: Log) {
    this.#nodeName = nodeName;
    this.#clock = clock;
    this.#log = log;
  }

  connect(client: Pick<KubeClient, 'send'>): void {
    this.#events = new KubeEvents({ client, nodeName: this.#nodeName, clock: this.#clock, log: this.#log });
  }

  /** @param advice on the backend that was chosen; kube-proxy warns of the mode ipvs as well. */
  starting(advice?: Advice): void {
    const regarding: EventSubject = { kind: 'Node', name: this.#nodeName };
    const start = { regarding, action: START_ACTION };
    this.#events?.report({ ...start, type: 'Normal', reason: 'Starting', note: 'sluice is starting' });
    if (advice === undefined) return;
    this.#events?.report({ ...start, type: 'Warning', reason: advice.reason, note: advice.text });
  }

  portFailed(service: string, port: number, { message }: SluiceError): void {
    const note = `node ${this.#nodeName} failed to start healthcheck on port ${port}: ${message}`;
    this.#warn(service, { reason: 'FailedToStartServiceHealthcheck', action: 'Listen', note });
  }

  /** Services that were left out, each told once for as long as the reason lasts. */
  skipped(problems: readonly Problem[]): void {
    const services = problems.filter(({ kind, effect }) => kind === 'Service' && effect === 'skipped');
    const now = new Set(services.map(describeProblem));
    for (const problem of services) {
      const note = describeProblem(problem);
      if (!this.#skipped.has(note)) this.#warn(problem.object, { reason: 'ServiceSkipped', action: 'Program', note });
    }
    this.#skipped = now;
  }

  async stop(): Promise<void> {
    await this.#events?.stop();
  }

  #warn(service: string, what: { reason: string; action: string; note: string }): void {
    const slash = service.indexOf('/');
    const regarding: EventSubject = {
      kind: 'Service',
      namespace: service.slice(0, slash),
      name: service.slice(slash + 1),
    };
    this.#events?.report({ regarding, type: 'Warning', ...what });
  }
}
