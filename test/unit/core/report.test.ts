import { assert, constantFrom, oneof, property, string } from 'fast-check';
import t from 'tap';
import { checkMetrics, checkStates } from '../../../src/core/check-metrics.ts';
import { html } from '../../../src/core/html.ts';
import { reportMetrics } from '../../../src/core/metrics.ts';
import { reportPage } from '../../../src/core/report-page.ts';
import { reportText } from '../../../src/core/report-text.ts';
import { makeReport, type ReportInput } from '../../../src/core/report.ts';
import { countRuns, nothingCounted, parseCounts } from '../../../src/core/run-counts.ts';
import { secretValues } from '../../../src/core/secret-values.ts';
import { model } from '../../support/builders.ts';
import { busyReport, emptyReport, transactionOf } from '../../support/sample-report.ts';

const counted = countRuns(
  nothingCounted,
  busyReport.transactions.map(({ id }) => id),
  busyReport.transactions,
);

/** All that is shown of a host, each in its own form. */
function shownOf(input: ReportInput) {
  const data = makeReport(input);
  return {
    page: reportPage(data),
    json: JSON.stringify(data),
    text: reportText(data).join('\n'),
    metrics: reportMetrics(data, counted),
  };
}

await t.test('a run is told with its phases, downtime, reasons and backup', async (t) => {
  const [first, second] = makeReport(busyReport).runs;
  t.same(
    first?.phases.map(({ state, seconds }) => [state, seconds]),
    [
      ['PREPARING', 60.6],
      ['ARMED', 0.5],
      ['APPLYING', 10.3],
      ['VERIFYING', 14.2],
      ['COMMITTING', 0.3],
    ],
  );
  t.same(first?.phases[0]?.steps.at(-1), {
    text: 'back up to 20261120T010713Z-8c1f2a90',
    seconds: 21.4,
  });
  t.equal(first?.seconds, 85.9);
  t.same(first?.downtime?.[0], { service: 'orchestrator', seconds: 4.21 });
  t.equal(first?.backup?.sizeBytes, 4.81e9);
  t.match(first?.reasons, [/knowledge-graph has a new image/, /orchestrator has a new image/]);
  t.match(second, { state: 'ROLLED_BACK', rollbackReason: 'unhealthy', note: /not healthy/ });
  const [, , , broken, aborted, old] = makeReport(busyReport).runs;
  t.same(
    broken?.phases.map(({ attempt }) => attempt),
    [undefined, undefined, undefined, undefined, undefined, undefined, 2, undefined],
  );
  t.match(aborted, { state: 'ABORTED', rollbackReason: null, downtime: [] });
  t.equal(old?.downtime, null, 'what was not measured is not made up');
});

await t.test('the text for a terminal', async (t) => {
  const { text } = shownOf(busyReport);
  t.match(text, /^autonomy on warehouse-ost-03, following embody-alpha: held\n/);
  t.match(text, /2026-11-22 19:07 UTC \(14 h ago\): rolled back .* took 2 min 14 s/);
  t.match(text, /because: not healthy after 42 s/);
  t.match(text, /phases: prepare 1 min 1 s, arm 0\.5 s, apply 10 s, verify 14 s, commit 0\.3 s/);
  t.match(text, /downtime: 4\.6 s \(knowledge-graph and 1 more\)/);
  t.match(text, /downtime: over 6 min 31 s \(postgres\)/);
  t.match(text, /downtime: not measured/);
  t.match(shownOf(emptyReport).text, /no update or rollback yet/);
});

await t.test('metrics are what Prometheus reads', async (t) => {
  const { metrics } = shownOf(busyReport);
  const check = checkMetrics({ atMs: 1_700_000_000_500, state: 'rolled back', successAtMs: 1000 });
  for (const line of (check + metrics).trimEnd().split('\n')) {
    t.match(
      line,
      /^(# (HELP|TYPE) )?orchestrator_update_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? .+$/,
    );
  }
  const all = (check + metrics).split('\n');
  for (const line of [
    'orchestrator_update_state{state="rolled_back"} 1',
    'orchestrator_update_state{state="nothing"} 0',
    'orchestrator_update_held 0',
    'orchestrator_update_last_check_timestamp_seconds 1700000000.5',
    'orchestrator_update_last_success_timestamp_seconds 1',
    'orchestrator_update_updates_total 3',
    'orchestrator_update_aborted_total 1',
    'orchestrator_update_rollbacks_total{reason="unhealthy"} 2',
    'orchestrator_update_rollbacks_total{reason="disk"} 0',
    'orchestrator_update_last_update_duration_seconds 85.9',
    'orchestrator_update_last_update_phase_duration_seconds{phase="verify"} 14.2',
    'orchestrator_update_last_update_downtime_seconds{service="orchestrator"} 4.21',
    'orchestrator_update_backup_size_bytes 4810000000',
    'orchestrator_update_quarantined_releases 1',
    'orchestrator_update_quarantined_images 1',
    'orchestrator_update_engine_info{version="29.1.3"} 1',
    'orchestrator_update_engine_upgrade_available 1',
  ]) {
    t.ok(all.includes(line), line);
  }
  const names = all.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2]);
  t.same(names, [...new Set(names)], 'each of them once');
  t.notMatch(shownOf(emptyReport).metrics, /NaN|undefined|null/);
  t.equal(checkStates.filter((state) => state === 'failed').length, 1);
});

await t.test('a label may hold anything', async (t) => {
  const odd = makeReport({ ...emptyReport, project: 'a"b\\c' });
  t.match(reportMetrics(odd, nothingCounted), String.raw`project="a\"b\\c"`);
});

await t.test('each transaction counts once', async (t) => {
  const { transactions } = busyReport;
  const ids = transactions.map(({ id }) => id);
  const again = countRuns(parseCounts(JSON.stringify(counted)), ids, transactions);
  t.same(again, counted);
  t.same(countRuns(counted, ids.slice(2), []).counted, ids.slice(2), 'the forgotten are forgotten');
  const [first] = transactions;
  const open = first && { ...first, id: 'open', entries: first.entries.slice(0, -1) };
  t.same(
    countRuns(counted, [...ids, 'open'], open ? [open] : []),
    counted,
    'not before it is over',
  );
  t.equal(parseCounts('{"updates": -1}'), nothingCounted);
});

/** Whatever stands between two tags or in an attribute is no markup. */
function strangersIn(page: string): string[] {
  const known =
    /^<(!doctype|\/?(html|head|meta|link|title|style|body|header|main|footer|h[1-4]|p|b|i|div|span|ul|li|dl|dt|dd|table|thead|tbody|tr|th|td|details|summary|article|time))(\s[a-z-]+="[^"<>]*"|\s(html|open))*\s?\/?>$/;
  return [...page.matchAll(/<[^>]*>?/g)].map(([tag]) => tag).filter((tag) => !known.test(tag));
}

await t.test('no text becomes markup', async (t) => {
  t.same(strangersIn(shownOf(busyReport).page), []);
  const text = string({
    unit: oneof(constantFrom('<', '>', '&', '"', "'", '/', '=', ' ', '`', '{', '-'), string()),
    maxLength: 30,
  });
  assert(
    property(text, text, text, (name, reason, host) => {
      const services = { [name || 'x']: { image: reason } };
      const transaction = transactionOf(1, {}, services, [
        [0, 'PREPARING'],
        [1, 'PREPARING', { step: name }],
        [1, 'ROLLED_BACK', { note: reason, downtime: [{ service: name, seconds: 1 }] }],
      ]);
      const at = '2026-01-01T00:00:00Z';
      const page = reportPage(
        makeReport({
          ...emptyReport,
          host,
          project: name,
          branch: reason,
          holds: [reason],
          needsOperator: name,
          transactions: [transaction],
          quarantine: [{ commit: name, image: null, reason, at: host }],
          backups: [{ name, createdAt: host, commit: reason, sizeBytes: 1, files: 1, seconds: 1 }],
          verification: {
            last: {},
            damaged: [],
            alarm: { kind: 'whole', atMs: 0, backup: name, result: 'damaged', problems: [reason] },
          },
          engine: { version: name, available: reason, isUnfinished: false, upgradedAt: at },
        }),
      );
      return strangersIn(page).length === 0;
    }),
    { numRuns: 300 },
  );
});

await t.test('a text in an attribute stays in it', async (t) => {
  t.equal(
    html`<b title="${`" onclick='x' <i>&`}"></b>`.markup,
    '<b title="&quot; onclick=&#39;x&#39; &lt;i&gt;&amp;"></b>',
  );
});

await t.test('a secret of either release is nowhere', async (t) => {
  const secrets = [
    'hunter2-9f83c1',
    'p@ss"word<old>',
    'dsn-secret',
    'in-a-label',
    'text-of-a-config',
  ];
  const [token = '', password = '', dsn = '', label = '', text = ''] = secrets;
  const before = model({ web: { environment: { DB_PASSWORD: password, DEBUG: 'true' } } });
  const after = model(
    {
      web: {
        environment: [`API_TOKEN=${token}`, `DATABASE=postgres://user:${dsn}@db/x`],
        labels: { 'com.example.secret': label },
      },
    },
    { secrets: { key: { content: text } } },
  );
  const said = `service web is unhealthy: ${secrets.join(' ')} true`;
  const transaction = transactionOf(1, { web: { image: 'a' } }, { web: { image: 'b' } }, [
    [0, 'PREPARING', { step: said }],
    [1, 'ROLLED_BACK', { note: `not healthy after 3 s: ${said}` }],
  ]);
  const shown = shownOf({
    ...busyReport,
    transactions: [
      { ...transaction, plan: { ...transaction.plan, reasons: [said], warnings: [said] } },
    ],
    holds: [said],
    needsOperator: said,
    quarantine: [{ commit: 'c', image: null, reason: said, at: '' }],
    secrets: secretValues(before, after),
  });
  for (const [form, all] of Object.entries(shown)) {
    for (const secret of secrets) {
      const escaped = html`${secret}`.markup;
      t.notOk(all.includes(secret) || all.includes(escaped), `${secret} in ${form}`);
    }
  }
  t.match(shown.text, /unhealthy: … … /, 'the rest of it is there');
  t.match(shown.text, / true/, 'what stands in many a text is no secret');
});
