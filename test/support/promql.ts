/** A metric as an expression of PromQL uses it. */
export interface MetricUse {
  /** With `_bucket`, `_sum` or `_count` where the expression has them. */
  readonly name: string;
  /** The labels in its braces. */
  readonly labels: readonly string[];
}

const WORDS = new Set(
  (
    'absent and avg bool by changes count group_left group_right histogram_quantile ignoring increase max min offset on or quantile ' +
    'rate sum time topk unless vector without'
  ).split(' '),
);

const STRING = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g;
const GROUPING = /\b(?:by|on|ignoring|without|group_left|group_right)\s*\(([^)]*)\)/g;
const DURATION = /\[[^\]]*\]/g;
const USE = /([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{([^}]*)\})?/g;

/** The metrics of an expression: every word that is neither a string, a label, a duration, nor a word of PromQL. */
export function metricsIn(expression: string): readonly MetricUse[] {
  const bare = expression.replace(STRING, '""').replace(DURATION, '').replace(GROUPING, 'by');
  return Array.from(bare.matchAll(USE), ([, name = '', matchers = '']) => ({
    name,
    labels: Array.from(matchers.matchAll(/([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)/g), ([, label = '']) => label),
  })).filter(({ name }) => !WORDS.has(name));
}

/** The labels by which an expression groups or joins. */
export function groupingIn(expression: string): readonly string[] {
  return Array.from(expression.matchAll(GROUPING), ([, labels = '']) =>
    labels.split(',').map((label) => label.trim()),
  ).flat();
}
