import { runAgent } from './agent.ts';

/** The agent as a program of its own, for running from the sources; the bundle starts it as `sluice lab-agent`. */
await runAgent(process.stdin, process.stdout);
