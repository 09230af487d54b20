import { describe, expect, it } from 'vitest';
import { ownContender, parsePeers } from '../../../../src/bench/compare/peers.ts';

describe('a peer', () => {
  it('is called like its program, and like the mode of its configuration where that is another', () => {
    const commands = ['/opt/kube-proxy --config {config} --v=1', 'kube-proxy --config={config:iptables}'];
    expect(parsePeers(commands, 'nftables')).toEqual([
      { name: 'kube-proxy', command: commands[0], shown: 'kube-proxy --config {config} --v=1' },
      { name: 'kube-proxy iptables', command: commands[1], shown: 'kube-proxy --config={config:iptables}' },
    ]);
  });

  it('may be given a name; equal names get numbers', () => {
    const texts = [
      'old-one=./kube-proxy --config {config}',
      'old-one=b {config}',
      'dist/sluice.mjs run --config {config}',
    ];
    expect(parsePeers(texts, 'nftables').map(({ name, command }) => [name, command])).toEqual([
      ['old-one', './kube-proxy --config {config}'],
      ['old-one 2', 'b {config}'],
      ['sluice 2', 'dist/sluice.mjs run --config {config}'],
    ]);
  });

  it('may have an equals sign in its arguments', () => {
    const [peer] = parsePeers(['kube-proxy --config={config}'], 'iptables');
    expect(peer).toMatchObject({ name: 'kube-proxy', command: 'kube-proxy --config={config}' });
  });

  it.each([
    ['kube-proxy --config kube.conf', /"kube-proxy --config kube\.conf" has no \{config\}/],
    ['{config}', /has no program/],
    ['', /has no \{config\}/],
    ['kube-proxy {config:ebpf}', /there is no mode ebpf, only nftables, iptables, ipvs/],
  ])('%j is refused', (text, message) => {
    expect(() => parsePeers([text], 'nftables')).toThrow(message);
  });
});

it('sluice itself is started by this Node, and shown without the folders of this machine', () => {
  const { command, shown } = ownContender("/a folder/it's here/main.ts");
  expect(command).toMatch(
    /^env MALLOC_ARENA_MAX=1 '\/.*node' '--max-semi-space-size=8' '\/a folder\/it'\\''s here\/main\.ts' run --config \{config\}$/,
  );
  expect(shown).toBe('sluice run --config {config}');
});
