import { expect, test } from 'vitest';
import { Metrics } from '../../../src/observe/metrics.ts';
import { RequestRecorder } from '../../../src/observe/request-recorder.ts';
import { parseScrape, sampleOf } from '../../support/scrape.ts';

test('requests are reported as by client-go', async () => {
  const metrics = new Metrics({ mode: 'nftables' });
  const recorder = new RequestRecorder(metrics);
  const host = '10.0.0.1:6443';
  recorder.recordRequest({ method: 'GET', host, status: 200, durationMs: 30 });
  recorder.recordResponse({ method: 'GET', host, responseBytes: 5000 });
  recorder.recordRequest({ method: 'POST', host, durationMs: 10, requestBytes: 300 });
  recorder.recordRetry({ method: 'GET', host, status: 429 });
  recorder.recordWait({ method: 'GET', host, durationMs: 250 });
  const scrape = parseScrape(await metrics.text());
  const labels = `{host="${host}",verb="GET"}`;
  expect(sampleOf(scrape, `rest_client_requests_total{code="200",host="${host}",method="GET"}`)).toBe(1);
  expect(sampleOf(scrape, `rest_client_requests_total{code="<error>",host="${host}",method="POST"}`)).toBe(1);
  expect(sampleOf(scrape, `rest_client_request_duration_seconds_sum${labels}`)).toBe(0.03);
  expect(sampleOf(scrape, `rest_client_response_size_bytes_sum${labels}`)).toBe(5000);
  expect(sampleOf(scrape, `rest_client_request_size_bytes_sum${labels}`)).toBeUndefined();
  expect(sampleOf(scrape, `rest_client_request_size_bytes_sum{host="${host}",verb="POST"}`)).toBe(300);
  expect(sampleOf(scrape, `rest_client_request_retries_total{code="429",host="${host}",verb="GET"}`)).toBe(1);
  expect(sampleOf(scrape, `rest_client_rate_limiter_duration_seconds_sum${labels}`)).toBe(0.25);
});
