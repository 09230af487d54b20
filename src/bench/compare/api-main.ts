import { runApiServer } from './api-server.ts';

/** The API server as a program of its own, for running from the sources; the bundle starts it as `sluice bench-api`. */
await runApiServer(process.stdin, process.stdout);
