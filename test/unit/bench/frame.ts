/** What every report says of itself. */
export const FRAME = {
  command: 'sluice bench …',
  seed: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 1000,
  machine: { cpu: 'one', cores: 2, memoryBytes: 2 ** 30, kernel: 'Linux 6.18', node: 'v24.0.0', tools: {}, load: 0 },
} as const;
