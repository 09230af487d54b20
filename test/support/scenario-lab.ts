import { systemRunner } from '../../src/kernel/command.ts';
import type { Moment } from './scenario.ts';
import type { SentCheck } from './scenario-packets.ts';
import { judge } from './scenario-plan.ts';

/** The checks of a moment, with what the backend's plan knows about their Services. */
export function checksOf({ checks, plans }: Moment, backend: string): readonly SentCheck[] {
  return checks.map((check) => {
    const { affinityKey = '' } = judge(plans[check.packet.family], check.packet, backend);
    return { ...check, serviceKey: affinityKey };
  });
}

/** The node has these addresses too, on its loopback interface, for as long as `use` takes. */
export async function withNodeAddresses<T>(addresses: readonly string[], use: () => Promise<T>): Promise<T> {
  await setNodeAddresses('add', addresses);
  try {
    return await use();
  } finally {
    await setNodeAddresses('del', addresses);
  }
}

async function setNodeAddresses(action: 'add' | 'del', addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const { exitCode, stderr } = await systemRunner.run('ip', ['addr', action, address, 'dev', 'lo']);
    if (exitCode !== 0) throw new Error(stderr);
  }
}
