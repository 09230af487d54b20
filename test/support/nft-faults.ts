/** A small table to do wrong things to: two chains, a rule, a verdict map, a set and an interval set. */
export const SAMPLE_TABLE = `
add table ip sluice
add chain ip sluice hooked { type nat hook output priority -100; policy accept; }
add chain ip sluice used
add chain ip sluice idle
add map ip sluice verdicts { type ipv4_addr . inet_proto . inet_service : verdict; }
add set ip sluice looked-up { type ipv4_addr; }
add set ip sluice idle-set { type ipv4_addr; }
add set ip sluice ranges { type inet_service . ipv4_addr; flags interval; }
add map ip sluice tcp-endpoints { typeof ip daddr . tcp dport . numgen random mod 65536 : ip daddr . tcp dport; }
add rule ip sluice hooked ip daddr @looked-up jump used
add element ip sluice verdicts { 10.0.0.1 . tcp . 80 comment "a web" : goto used }
add element ip sluice ranges { 80 . 10.0.0.0/8 }
add element ip sluice tcp-endpoints { 10.0.0.1 . 80 . 0 : 10.1.0.1 . 8080 }
`;

/** Batches that nft or the kernel refuse, given {@link SAMPLE_TABLE}. */
export const FAULTS: readonly (readonly [what: string, batch: string])[] = [
  ['delete an element that is not there', 'delete element ip sluice looked-up { 10.0.0.9 }'],
  [
    'delete an element twice',
    'delete element ip sluice ranges { 80 . 10.0.0.0/8 }; delete element ip sluice ranges { 80 . 10.0.0.0/8 }',
  ],
  ['an element of a set that is not there', 'add element ip sluice none { 10.0.0.9 }'],
  ['an element with too few parts', 'add element ip sluice verdicts { 10.0.0.1 . tcp : drop }'],
  ['an address of the other family', 'add element ip sluice looked-up { fd00::1 }'],
  ['no address', 'add element ip sluice looked-up { 10.0.0.256 }'],
  ['no port', 'add element ip sluice verdicts { 10.0.0.1 . tcp . 65536 : drop }'],
  ['no protocol', 'add element ip sluice verdicts { 10.0.0.1 . tpc . 80 : drop }'],
  ['an element of a map without data', 'add element ip sluice verdicts { 10.0.0.9 . tcp . 80 }'],
  ['an element of a set with data', 'add element ip sluice looked-up { 10.0.0.9 : drop }'],
  ['another verdict for a key', 'add element ip sluice verdicts { 10.0.0.1 . tcp . 80 : drop }'],
  ['another endpoint for a slot', 'add element ip sluice tcp-endpoints { 10.0.0.1 . 80 . 0 : 10.1.0.2 . 8080 }'],
  ['a verdict that leads nowhere', 'add element ip sluice verdicts { 10.0.0.9 . tcp . 80 : goto none }'],
  ['a verdict that leads to a hook', 'add element ip sluice verdicts { 10.0.0.9 . tcp . 80 : goto hooked }'],
  ['a range inside another', 'add element ip sluice ranges { 80 . 10.1.0.0/16 }'],
  ['a range around another', 'add element ip sluice ranges { 80 . 10.0.0.0/7 }'],
  ['a long comment', `add element ip sluice looked-up { 10.0.0.9 comment "${'x'.repeat(129)}" }`],
  [
    'a chain that a rule jumps to',
    'flush chain ip sluice idle; delete element ip sluice verdicts { 10.0.0.1 . tcp . 80 }; delete chain ip sluice used',
  ],
  ['a chain that a verdict leads to', 'flush chain ip sluice hooked; delete chain ip sluice used'],
  ['a set that a rule looks into', 'delete set ip sluice looked-up'],
  ['delete a chain that is not there', 'delete chain ip sluice none'],
  ['delete a set that is not there', 'delete set ip sluice none'],
  ['flush a chain that is not there', 'flush chain ip sluice none'],
  ['a rule in a chain that is not there', 'add rule ip sluice none drop'],
  ['a jump to a chain that is not there', 'add rule ip sluice used goto none'],
  ['a rule that looks into a set that is not there', 'add rule ip sluice used ip daddr @none drop'],
  ['a set declared in another way', 'add set ip sluice looked-up { type inet_service; }'],
  ['a table that is not there', 'add chain ip other c'],
  ['delete a table that is not there', 'delete table ip other'],
  ['a word that is none', 'ad table ip sluice'],
];

/** Batches that are in order. */
export const FINE: readonly (readonly [what: string, batch: string])[] = [
  ['the same element again', 'add element ip sluice verdicts { 10.0.0.1 . tcp . 80 comment "a web" : goto used }'],
  [
    'an element made anew',
    'delete element ip sluice tcp-endpoints { 10.0.0.1 . 80 . 0 }; add element ip sluice tcp-endpoints { 10.0.0.1 . 80 . 0 : 10.1.0.2 . 8080 }',
  ],
  [
    'a chain and a set that are declared again',
    'add chain ip sluice used; add set ip sluice looked-up { type ipv4_addr; }',
  ],
  ['an idle chain and set go', 'delete chain ip sluice idle; delete set ip sluice idle-set'],
  ['a chain with rules goes when nothing leads to it', 'add rule ip sluice idle drop; delete chain ip sluice idle'],
  [
    'a chain goes once nothing uses it',
    'flush chain ip sluice hooked; delete element ip sluice verdicts { 10.0.0.1 . tcp . 80 }; delete chain ip sluice used',
  ],
  ['a set goes once no rule looks into it', 'flush chain ip sluice hooked; delete set ip sluice looked-up'],
  ['a range beside another', 'add element ip sluice ranges { 80 . 11.0.0.0/8, 81 . 10.1.0.0/16 }'],
  ['the table goes', 'delete table ip sluice'],
  ['another table', 'add table ip6 sluice'],
];
