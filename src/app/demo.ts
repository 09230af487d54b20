import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SluiceError } from '../base/errors.ts';
import type { Config } from '../config/resolve.ts';
import { runDemo } from '../demo/demo.ts';
import { systemRunner } from '../kernel/command.ts';
import { enterPrivateNamespace, isInsidePrivateNamespace } from '../lab/private-namespace.ts';
import { planTopology } from '../lab/topology.ts';
import { parseCidr } from '../model/address.ts';
import { ManifestReader } from '../source/manifest-reader.ts';
import { clusterOf } from './cluster.ts';
import { setupFrom } from './setup.ts';

export interface DemoIo {
  readonly print: (line: string) => void;
  readonly colour: boolean;
}

/** From the sources, and from the bundle in dist/. */
const EXAMPLE_FOLDERS = ['../../deploy/examples', '../deploy/examples'];

/**
 * Shows the main job with real packets, in network namespaces that vanish afterwards.
 *
 * @returns the exit code: 0 when every expectation held, 1 when not.
 * @throws {SluiceError} `lab-failed` when this machine allows no private namespaces.
 */
export async function demo(config: Config, { print, colour }: DemoIo): Promise<number> {
  if (!isInsidePrivateNamespace()) return enterPrivateNamespace();
  const setup = setupFrom(config);
  const manifests = await new ManifestReader([examples()]).read();
  const { inputs } = clusterOf(manifests, setup);
  const held = await runDemo({
    backend: setup.backend,
    backendSettings: setup.backendSettings,
    settings: { ...inputs.settings, detectLocal: withLabNetworks(inputs.settings.detectLocal) },
    node: inputs.node,
    objects: [...manifests.objects.values()],
    runner: systemRunner,
    print,
    colour,
  });
  return held ? 0 : 1;
}

function examples(): string {
  const folder = EXAMPLE_FOLDERS.map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) =>
    existsSync(path),
  );
  if (folder !== undefined) return folder;
  throw new SluiceError({
    code: 'file-unreadable',
    message: 'the example manifests (deploy/examples) are not where this program is',
    hint: 'run the demo from a checkout or from the image',
  });
}

/** The lab's pod networks, unless the command line names others. */
function withLabNetworks(detectLocal: Config['detectLocal']): Config['detectLocal'] {
  if (detectLocal.mode !== 'ClusterCIDR' || detectLocal.clusterCidrs.length > 0) return detectLocal;
  const networks = Object.values(planTopology().clusterCidrs).map(parseCidr);
  return { ...detectLocal, clusterCidrs: networks.filter((cidr) => cidr !== undefined) };
}
