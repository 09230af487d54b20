import { benchCompareCommand } from './bench-compare.ts';
import { benchDnsCommand } from './bench-dns.ts';
import { benchPacketsCommand } from './bench-packets.ts';
import { benchReportCommand } from './bench-report.ts';
import { benchSyncCommand } from './bench-sync.ts';
import type { ToolGroup } from './command.ts';

export const benchGroup: ToolGroup = {
  name: 'bench',
  summary: 'measure, in private network namespaces',
  commands: [benchSyncCommand, benchPacketsCommand, benchCompareCommand, benchDnsCommand, benchReportCommand],
};
