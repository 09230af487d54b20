import { posix } from 'node:path';

/** What the files of one zone may import besides each other. The table of DESIGN.md, section 2, as data. */
interface ZoneRule {
  /** Zones, or single files as a path under src. */
  readonly imports: readonly string[];
  /** Zones of which only types may be imported. */
  readonly types?: readonly string[];
  /** Node's own modules; `any` is any but node:child_process, which is kernel/'s alone. */
  readonly node: 'any' | readonly string[];
}

/** The zones that decide and spell but do nothing: they get no module that could reach the outside. */
const PURE: readonly string[] = ['node:crypto'];

const ZONES: Readonly<Record<string, ZoneRule>> = {
  base: { imports: [], node: 'any' },
  model: { imports: ['base'], node: [] },
  source: { imports: ['model', 'base'], node: 'any' },
  compiler: { imports: ['model', 'base'], node: [] },
  // backend/*.ts but the registry, and backend/xtables: the contract, RuleSet, ChangeSet
  backend: { imports: ['model', 'base'], types: ['compiler', 'kernel'], node: PURE },
  'backend/registry': { imports: ['backend', 'backend/*/kernel', 'base'], types: ['model'], node: [] },
  // backend/<name>/*.ts; two names never meet, see judgeImport
  'backend/*': { imports: ['backend', 'model', 'base'], types: ['compiler', 'kernel'], node: PURE },
  // backend/<name>/driver.ts and backend.ts: where a backend meets the kernel
  'backend/*/kernel': {
    imports: ['backend', 'backend/*', 'kernel', 'model', 'base'],
    types: ['compiler'],
    node: 'any',
  },
  kernel: { imports: ['model', 'base'], node: 'any' },
  applier: { imports: ['model', 'compiler', 'backend', 'observe', 'kernel/conntrack.ts', 'base'], node: 'any' },
  dns: { imports: ['model', 'base'], node: 'any' },
  observe: { imports: ['model', 'base'], node: 'any' },
  config: { imports: ['model', 'base'], node: 'any' },
  lab: { imports: ['kernel', 'base'], types: ['model'], node: 'any' },
  bench: {
    imports: ['source', 'model', 'compiler', 'backend', 'backend/registry', 'applier', 'kernel', 'lab', 'base'],
    node: 'any',
  },
  demo: { imports: ['model', 'compiler', 'backend', 'applier', 'kernel', 'lab', 'base'], node: 'any' },
  app: {
    imports: [
      'source',
      'model',
      'compiler',
      'backend',
      'backend/registry',
      'backend/*/kernel',
      'kernel',
      'applier',
      'dns',
      'observe',
      'config',
      'lab',
      'demo',
      'base',
    ],
    node: 'any',
  },
  cli: { imports: ['app', 'config', 'backend', 'model', 'lab', 'demo', 'bench', 'base'], node: 'any' },
};

/** The folder under backend/ that is no backend: what those have in common that write iptables rules. */
const SHARED = 'xtables';

/** npm package → the one file under src that may import it, so that replacing a package means rewriting one file. */
const PACKAGES: Readonly<Record<string, string>> = {
  '@kubernetes/client-node': 'source/kube-plugins.ts',
  commander: 'cli/program.ts',
  dns2: 'dns/codec.ts',
  execa: 'kernel/command.ts',
  'ipaddr.js': 'model/address.ts',
  pino: 'base/log.ts',
  'prom-client': 'observe/metrics.ts',
  yaml: 'base/yaml.ts',
  zod: 'config/schema.ts',
};

export interface ImportSite {
  /** The importing file as a path under src, for example `dns/server.ts`. */
  readonly file: string;
  /** As written between the quotes. */
  readonly specifier: string;
  /** `import type` or `export type`, which leaves nothing at run time. */
  readonly typeOnly: boolean;
}

/** Why an import breaks the folder rules, or undefined when it keeps them. */
export function judgeImport(site: ImportSite): string | undefined {
  const zone = zoneOf(site.file);
  const rule = ZONES[zone];
  if (rule === undefined) return `src/${site.file} is in no folder that DESIGN.md knows: add it to .ci/lint/folders.ts`;
  if (site.specifier.startsWith('.')) return judgeOwnFile(site, zone, rule);
  if (site.specifier.startsWith('node:')) return judgeNodeModule(site.specifier, zone, rule);
  return judgePackage(site);
}

function judgeOwnFile({ file, specifier, typeOnly }: ImportSite, zone: string, rule: ZoneRule): string | undefined {
  const target = posix.join(posix.dirname(file), specifier);
  if (target === '../package.json') return undefined; // the version number
  if (target.startsWith('..')) return `src/ may not import ${specifier}: it is not part of the program`;
  if (!target.endsWith('.ts')) return `write the import of ${specifier} with its extension, .ts`;

  const targetZone = zoneOf(target);
  if (backendOf(file) !== undefined && backendOf(target) !== undefined && backendOf(file) !== backendOf(target)) {
    return `backends never import one another: move what both need to backend/`;
  }
  if (targetZone === zone || rule.imports.includes(targetZone) || rule.imports.includes(target)) return undefined;
  if (rule.types?.includes(targetZone) !== true) return `${zone} may not import ${targetZone} (DESIGN.md, section 2)`;
  return typeOnly ? undefined : `${zone} may import only types from ${targetZone}: use \`import type\``;
}

function judgeNodeModule(specifier: string, zone: string, { node }: ZoneRule): string | undefined {
  if (specifier === 'node:child_process' && zone !== 'kernel') return 'only kernel/ starts processes';
  if (node === 'any' || node.includes(specifier)) return undefined;
  return `${zone} is pure: it may not import ${specifier}`;
}

function judgePackage({ file, specifier }: ImportSite): string | undefined {
  const [first = '', second = ''] = specifier.split('/');
  const name = first.startsWith('@') ? `${first}/${second}` : first;
  const owner = PACKAGES[name];
  if (owner === undefined) return `${name} is not one of the program's packages, or a Node module without node:`;
  return owner === file ? undefined : `only src/${owner} may import ${name}`;
}

/** The key of {@link ZONES} for a path under src; a file directly in src/ is a zone of its own. */
function zoneOf(path: string): string {
  const [folder = '', ...rest] = path.replace(/\.ts$/, '').split('/');
  if (folder !== 'backend') return folder;
  if (rest[0] === SHARED) return 'backend';
  if (rest.length === 1) return rest[0] === 'registry' ? 'backend/registry' : 'backend';
  return rest.length === 2 && (rest[1] === 'driver' || rest[1] === 'backend') ? 'backend/*/kernel' : 'backend/*';
}

/** The name of the backend whose folder holds the file. */
function backendOf(path: string): string | undefined {
  const name = /^backend\/([^/]+)\//.exec(path)?.[1];
  return name === SHARED ? undefined : name;
}
