import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerConfig } from './worker.ts';
import { runWorker } from './worker.ts';

/** The entry of the thread. */
if (parentPort !== null) void runWorker(parentPort, workerData as WorkerConfig);
