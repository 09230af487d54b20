/**
 * Why a question is answered as it is: one line each, for `sluice dns query`. The section numbers are those of the Kubernetes
 * DNS specification, schema 1.1.0.
 */
export const RULES = {
  'schema-version': 'the version of the schema (2.2)',
  'cluster-address': 'the cluster addresses of the Service (2.3.1)',
  'headless-address': 'the ready endpoints of the headless Service (2.4.1)',
  'endpoint-address': 'a ready endpoint, by its hostname or by its address with dashes (2.4.1)',
  'zone-endpoints': 'the ready endpoints of the headless Service that are in this topology zone',
  'zone-elsewhere': 'no ready endpoint is in this topology zone, and "prefer" then means all',
  'zone-without-endpoints': 'no ready endpoint of the headless Service is in this topology zone',
  'service-port': 'a named port of the Service (2.3.2)',
  'endpoint-port': 'a named port of the endpoints of the headless Service (2.4.2)',
  'all-ports': 'every port of the Service, as peer finders ask for them',
  'cluster-pointer': 'the Service that has this cluster address (2.3.3)',
  'endpoint-pointer': 'every Service that has this address as a ready endpoint (2.4.3)',
  'external-name': 'an alias: the Service has type ExternalName (2.5)',
  'pod-address': 'the address that the name spells',
  'start-of-authority': 'the start of the zone',
  'name-servers': 'the servers of the zone',
  'name-server': 'where this server listens',
  any: 'the name exists; a question for any type gets the least there is to say (RFC 8482)',
  'no-such-type': 'the name exists, but has no record of this type',
  'inner-name': 'the name exists only because there are names below it (RFC 8020)',
  'unknown-name': 'nothing of the zone has such a name',
  'unknown-namespace': 'there is no such namespace',
  'unknown-service': 'there is no such Service',
  'not-programmed': 'the rules of the Service are not in place yet',
  'no-ready-endpoints': 'the headless Service has no ready endpoint',
  'bad-external-name': 'the externalName of the Service is no domain name',
  'unknown-endpoint': 'the Service has no ready endpoint of that name',
  'unknown-port': 'the Service has no port of that name and protocol',
  'below-external-name': 'an alias has nothing below it',
  'pods-disabled': 'names of pods are switched off',
  'no-such-pod': 'no pod of the namespace has that address, or it is no address',
  'unknown-address': 'no Service and no ready endpoint has that address, and it is one of the cluster',
  'address-elsewhere':
    'no Service and no ready endpoint has that address, and --dns-local-networks does not claim it, so others are asked',
  outside: 'the name is in no zone of this server, so others are asked (--upstream, --resolv-conf) or it is refused',
} as const satisfies Readonly<Record<string, string>>;

export type RuleName = keyof typeof RULES;
