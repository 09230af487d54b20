import type { ToolGroup } from './command.ts';

export const benchGroup: ToolGroup = {
  name: 'bench',
  summary: 'measure, in private network namespaces',
  async load() {
    const { benchSyncCommand } = await import('./bench-sync.ts');
    const { benchPacketsCommand } = await import('./bench-packets.ts');
    const { benchCompareCommand } = await import('./bench-compare.ts');
    const { benchDnsCommand } = await import('./bench-dns.ts');
    const { benchReportCommand } = await import('./bench-report.ts');
    return [benchSyncCommand, benchPacketsCommand, benchCompareCommand, benchDnsCommand, benchReportCommand];
  },
};
