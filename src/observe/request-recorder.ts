import type { Metrics } from './metrics.ts';

export interface RequestRecord {
  /** `GET`, `POST`, … */
  readonly method: string;
  /** `host:port` of the API server. */
  readonly host: string;
  /** HTTP status; absent when no answer came. */
  readonly status?: number;
  /** Until the head of the answer was there. */
  readonly durationMs: number;
  /** Absent without a body. */
  readonly requestBytes?: number;
}

/** Requests to the API server, as client-go reports them. */
export class RequestRecorder {
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  recordRequest({ method, host, status, durationMs, requestBytes }: RequestRecord): void {
    const metrics = this.#metrics;
    const labels = { verb: method, host };
    metrics.increment('rest_client_requests_total', { code: codeOf(status), method, host });
    metrics.observe('rest_client_request_duration_seconds', labels, durationMs / 1000);
    if (requestBytes !== undefined) metrics.observe('rest_client_request_size_bytes', labels, requestBytes);
  }

  /** An answer was read as a whole; those of watches never are. */
  recordResponse({
    method,
    host,
    responseBytes,
  }: Pick<RequestRecord, 'method' | 'host'> & { responseBytes: number }): void {
    this.#metrics.observe('rest_client_response_size_bytes', { verb: method, host }, responseBytes);
  }

  /** A request is going to be tried again, because of this status or because there was no answer. */
  recordRetry({ method, host, status }: Pick<RequestRecord, 'method' | 'host' | 'status'>): void {
    this.#metrics.increment('rest_client_request_retries_total', { code: codeOf(status), verb: method, host });
  }

  /** A request waited before it was sent, for our own rate limit. */
  recordWait({ method, host, durationMs }: Pick<RequestRecord, 'method' | 'host' | 'durationMs'>): void {
    this.#metrics.observe('rest_client_rate_limiter_duration_seconds', { verb: method, host }, durationMs / 1000);
  }
}

/** client-go's word for requests without an answer. */
function codeOf(status: number | undefined): string {
  return status === undefined ? '<error>' : String(status);
}
