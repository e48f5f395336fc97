// What AsyncAPI's own parser finds wrong with a document: node parse.mjs DOCUMENT. Exits with 1 at errors and warnings.
import { readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';

const WARNING = 1; // 0 is an error; what comes after warnings are hints

const { document, diagnostics } = await new Parser().parse(await readFile(process.argv[2], 'utf8'));
const wrong = diagnostics.filter(({ severity }) => severity <= WARNING);
for (const { severity, code, path, message } of wrong) {
  console.error(`${severity === 0 ? 'error' : 'warning'} ${code} at ${path.join('.')}: ${message}`);
}
if (document) {
  const { length: messages } = document.allMessages();
  console.log(JSON.stringify({ version: document.version(), operations: document.allOperations().length, messages }));
}
process.exitCode = wrong.length || !document ? 1 : 0;
