import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import type { ComposeModel } from '../../src/core/compose-model.ts';
import { parseModel } from '../../src/core/model-json.ts';
import { openStateFiles } from '../../src/host/state-files.ts';
import { openTransaction, readMaterial, type Material } from '../../src/records.ts';

/** As compose prints it: JavaScript would round the first to …808. */
const text =
  '{"name":"shop","services":{"web":{"image":"web:1","pids_limit":9223372036854775807,"cpu_shares":512}}}';

await t.test('numbers of a release are the same after a crash, to the last digit', async (t) => {
  const directory = t.testdir();
  const state = openStateFiles(directory);
  const model = parseModel(text) as ComposeModel;
  const plan = { from: 'a', to: 'b', prepare: [], apply: [] } as unknown as Material['plan'];
  const material = { plan, oldModel: model, newModel: model } as Material;
  await openTransaction(state, 'T1', material);
  const read = await readMaterial(state, 'T1');
  t.equal(JSON.stringify(read?.oldModel), text, 'what compose is given');
  t.equal(canonicalJson(read?.newModel), canonicalJson(model), 'what is compared and hashed');
  t.equal(read?.newModel.services['web']?.['cpu_shares'], 512);
  // Before it is ARMED the material is written again, and a recovery may write what it has read.
  await openTransaction(state, 'T2', read as Material);
  const file = await readFile(join(directory, 'transactions/T2/material.json'), 'utf8');
  t.equal(file.split('9223372036854775807').length, 3);
  t.equal(JSON.stringify((await readMaterial(state, 'T2'))?.oldModel), text);
});
