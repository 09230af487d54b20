/** The zone that is asked about. */
export const ZONE = 'cluster.local';

export function isReverse(name: string): boolean {
  return /(?:^|\.)(?:in-addr|ip6)\.arpa$/.test(name);
}

/** The labels in front of the zone; none for names that are not in it. */
export function labelsBelow(name: string): readonly string[] {
  return name.endsWith(`.${ZONE}`) ? name.slice(0, -ZONE.length - 1).split('.') : [];
}

export function isInZone(name: string): boolean {
  return name === ZONE || name.endsWith(`.${ZONE}`);
}
