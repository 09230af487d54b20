import { runCaseProcess } from './case-process.ts';

/** The case as a program of its own, for running from the sources; the bundle starts it as `sluice bench-case`. */
process.exitCode = await runCaseProcess(process.argv[2] ?? '', process.stdin, process.stdout);
