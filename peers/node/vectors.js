#!/usr/bin/env node
/** Answers test vectors with the code of this peer: a JSON object a line on standard input, one on standard output. */
import { createInterface } from 'node:readline';
import { operations } from './src/vectors/operations.js';

function answer({ id, operation, input }) {
  if (!Object.hasOwn(operations, operation)) return { id, result: 'unsupported' };
  try {
    return { id, result: 'valid', output: operations[operation](input) ?? {} };
  } catch (error) {
    return { id, result: 'invalid', reason: error.message };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
}
