import { afterEach, expect, test } from 'vitest';
import { NAMESPACE_OF_ITS_OWN, sluice, SluiceCommand } from '../support/program-command.ts';

interface PacketsJson {
  readonly details: {
    readonly outcomes: readonly {
      readonly services: number;
      readonly position: string;
      readonly timesDirect: number;
    }[];
  };
}

/** For a very busy machine. */
const PATIENCE_MS = 120_000;

afterEach(() => SluiceCommand.killAll());

test('connections through Services are made and compared with direct ones', { timeout: PATIENCE_MS }, async () => {
  const sizes = ['--services', '1,5', '--runs', '1'];
  const command = new SluiceCommand(['bench', 'packets', '--backend', 'nft', ...sizes, '--json'], {
    env: NAMESPACE_OF_ITS_OWN,
  });
  const { exitCode, stdout, stderr } = await command.ended;
  expect(stderr).toContain('nft: connections with 5 Services');
  expect(exitCode).toBe(0);
  const { details } = JSON.parse(stdout) as PacketsJson;
  expect(details.outcomes.map(({ services, position }) => `${services} ${position}`)).toEqual([
    '1 direct',
    '1 first',
    '5 direct',
    '5 first',
    '5 middle',
    '5 last',
  ]);
  for (const { timesDirect } of details.outcomes) expect(timesDirect).toBeGreaterThan(0);
});

test('a backend that there is not is refused before anything starts', async () => {
  const { exitCode, stderr } = await sluice(['bench', 'packets', '--backend', 'ebpf'], { env: NAMESPACE_OF_ITS_OWN });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('--backend: "ebpf" is not one of');
});
