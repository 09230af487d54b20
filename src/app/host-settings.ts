import { existsSync } from 'node:fs';
import { toSluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../config/resolve.ts';
import type { CommandRunner } from '../kernel/command.ts';
import { systemRunner } from '../kernel/command.ts';
import { applyConntrackSettings } from '../kernel/conntrack-settings.ts';
import { allowLoopbackNodePorts, setOomScoreAdj, tellSettings } from '../kernel/sysctl.ts';
import type { Setup } from './setup.ts';
import { setupFrom } from './setup.ts';

/** What the rules themselves rely on. Never throws. */
export async function applyRuleSettings({ compileSettings }: Setup, log: Log): Promise<void> {
  if (compileSettings.localhostNodePorts) tellSettings([await allowLoopbackNodePorts()], log);
}

/** Everything that kube-proxy sets on a node beside rules (section 5.2 of the reference). Never throws: what cannot be set is said. */
export async function applyHostSettings(options: {
  readonly config: Config;
  readonly setup: Setup;
  readonly runner: CommandRunner;
  readonly log: Log;
}): Promise<void> {
  const { config, setup, runner, log } = options;
  await loadConntrack(runner, log);
  const outcomes = await applyConntrackSettings({
    maxPerCore: config.conntrackMaxPerCore,
    min: config.conntrackMin,
    tcpEstablishedTimeoutMs: config.conntrackTcpEstablishedTimeoutMs,
    tcpCloseWaitTimeoutMs: config.conntrackTcpCloseWaitTimeoutMs,
    tcpBeLiberal: config.conntrackBeLiberal,
    udpTimeoutMs: config.conntrackUdpTimeoutMs,
    udpStreamTimeoutMs: config.conntrackUdpStreamTimeoutMs,
  });
  tellSettings(outcomes, log);
  await applyRuleSettings(setup, log);
  tellSettings([await setOomScoreAdj(config.oomScoreAdj)], log);
}

/** `--init-only`: the settings of the host and nothing else, for an init container that may do what the agent may not. */
export async function initialize(config: Config, log: Log, runner: CommandRunner = systemRunner): Promise<void> {
  const setup = setupFrom(config);
  await applyHostSettings({ config, setup, runner, log });
  tellSettings((await setup.backend.tuneHost?.(runner, setup.backendSettings)) ?? [], log);
}

/** The settings exist only once the kernel tracks connections; on a fresh node nobody has asked it to yet. */
async function loadConntrack(runner: CommandRunner, log: Log): Promise<void> {
  if (existsSync('/proc/sys/net/netfilter/nf_conntrack_max')) return;
  try {
    await runner.run('modprobe', ['nf_conntrack']);
  } catch (thrown) {
    log.debug(`cannot load nf_conntrack: ${toSluiceError(thrown).message}`);
  }
}
