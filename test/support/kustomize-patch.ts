type Fields = Readonly<Record<string, unknown>>;

/** Lists of a pod whose items are merged, and by what they are told apart; other lists are replaced. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
};

/**
 * A strategic merge patch, as `kubectl patch` and kustomize apply it: maps are merged, `null` deletes, the named lists of a
 * pod are merged item by item (new ones come first), everything else is replaced.
 */
export function mergeStrategically(target: unknown, patch: unknown, field = ''): unknown {
  const key = MERGE_KEYS[field];
  if (Array.isArray(target) && Array.isArray(patch) && key !== undefined) return mergeLists(target, patch, key);
  if (!isFields(patch)) return patch;
  const merged: Record<string, unknown> = isFields(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergeStrategically(merged[name], value, name);
  }
  return merged;
}

function mergeLists(target: readonly unknown[], patch: readonly unknown[], key: string): readonly unknown[] {
  const nameOf = (item: unknown): unknown => (isFields(item) ? item[key] : undefined);
  const isPatchFor = (item: unknown) => (change: unknown) => nameOf(change) === nameOf(item);
  const added = patch.filter((change) => !target.some((item) => isPatchFor(item)(change)));
  const kept = target.map((item) => {
    const change = patch.find(isPatchFor(item));
    return change === undefined ? item : mergeStrategically(item, change);
  });
  return [...added, ...kept];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
