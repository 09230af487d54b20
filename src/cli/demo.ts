import type { CliCommand } from './command.ts';

/** Exit code 0 only if every expectation held. */
export const demoCommand: CliCommand = {
  name: 'demo',
  summary: 'show Services at work, with real packets in private network namespaces',
  async run(config, io) {
    const { demo } = await import('../app/demo.ts');
    return demo(config, { print: (line) => io.out(`${line}\n`), colour: io.colour });
  },
};
