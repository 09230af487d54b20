import { relative, sep } from 'node:path';
import { judgeImport } from './folders.ts';

/** As much of an import's or a re-export's syntax node as the rule looks at. */
interface ImportNode {
  readonly source?: { readonly type: string; readonly value?: unknown } | null;
  readonly importKind?: 'type' | 'value';
  readonly exportKind?: 'type' | 'value';
}

interface RuleContext {
  readonly filename: string;
  report(finding: { readonly node: ImportNode; readonly message: string }): void;
}

const sourceFolder = new URL('../../src', import.meta.url).pathname;

/** `sluice/folders`: the imports under src/ keep the table of folders.ts. */
const folders = {
  create(context: RuleContext) {
    const file = relative(sourceFolder, context.filename).split(sep).join('/');
    if (file.startsWith('..')) return {};
    const check = (node: ImportNode) => {
      const specifier = node.source?.value;
      if (typeof specifier !== 'string') return;
      const typeOnly = node.importKind === 'type' || node.exportKind === 'type';
      const message = judgeImport({ file, specifier, typeOnly });
      if (message !== undefined) context.report({ node, message });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      TSImportType: (node: ImportNode) => check({ ...node, importKind: 'type' }),
    };
  },
};

// oxlint loads the default export.
export default { meta: { name: 'sluice' }, rules: { folders } };
