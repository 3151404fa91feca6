import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import t from 'tap';
import { reportPage } from '../../src/core/report-page.ts';
import { makeReport } from '../../src/core/report.ts';
import { busyReport, emptyReport } from '../support/sample-report.ts';

/** Without them it looks for its maker's hosts. */
const quietly = ['background-networking', 'component-update', 'sync'].map(
  (one) => `--disable-${one}`,
);

const directory = mkdtempSync(join(tmpdir(), 'report-'));
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', ...quietly],
});
t.teardown(async () => {
  await browser.close();
  rmSync(directory, { recursive: true });
});

const pages = { busy: busyReport, empty: emptyReport } as const;
for (const [name, input] of Object.entries(pages)) {
  writeFileSync(join(directory, `${name}.html`), reportPage(makeReport(input)));
}

/** What is wrong with a page in a browser of this kind: messages, requests beside the page itself. */
async function open(
  where: Browser,
  name: string,
  options: BrowserContextOptions,
): Promise<{ page: Page; wrong: string[] }> {
  const context = await where.newContext(options);
  const page = await context.newPage();
  const wrong: string[] = [];
  const url = pathToFileURL(join(directory, `${name}.html`)).href;
  page.on('console', (message) => wrong.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  context.on('request', (request) => {
    // The empty icon stands in the page.
    if (request.url() !== url && !request.url().startsWith('data:')) wrong.push(request.url());
  });
  await page.goto(url);
  return { page, wrong };
}

/** How far anything reaches over the right edge, in pixels. */
const overflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - window.innerWidth');

/** What is to be read without its colours being told apart: WCAG asks 4.5 of text. */
const CONTRAST = `(() => {
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const backOf = (one) => {
    for (let e = one; e; e = e.parentElement) {
      const back = numbers(getComputedStyle(e).backgroundColor);
      if (back.length === 3 || back[3] > 0) return back.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const e of document.body.querySelectorAll('*')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim() !== '');
    if (!own) continue;
    const [a, b] = [numbers(getComputedStyle(e).color).slice(0, 3), backOf(e)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(e.className + ' ' + e.textContent.slice(0, 20) + ' ' + ratio.toFixed(2));
  }
  return bad;
})()`;

for (const width of [390, 1280]) {
  for (const colorScheme of ['light', 'dark'] as const) {
    await t.test(`${width} pixels wide, ${colorScheme}`, async (t) => {
      for (const name of Object.keys(pages)) {
        const viewport = { width, height: 844 };
        const { page, wrong } = await open(browser, name, { viewport, colorScheme });
        t.equal(await overflow(page), 0, `${name}: nothing hangs over`);
        await page.evaluate(
          'document.querySelectorAll("details").forEach((one) => { one.open = true; })',
        );
        t.equal(await overflow(page), 0, `${name}: nor when all is unfolded`);
        t.same(await page.evaluate(CONTRAST), [], `${name}: text can be read`);
        const shot = await page.screenshot();
        t.ok(shot.length > 10_000, `${name}: there is something to see`);
        t.same(wrong, []);
        await page.context().close();
      }
    });
  }
}

await t.test('without scripts everything can be read, and the page has none', async (t) => {
  const viewport = { width: 390, height: 844 };
  const { page, wrong } = await open(browser, 'busy', { viewport, javaScriptEnabled: false });
  const text = await page.locator('body').innerText();
  for (const part of [
    'autonomy',
    'held',
    'rolled back',
    'HTTP 503: {"état":"dégradé',
    'In quarantine',
  ]) {
    t.match(text, part);
  }
  t.notMatch(await page.content(), /<script|javascript:|\son\w+=/i);
  await page.locator('summary', { hasText: 'Plan: 40 services' }).click();
  t.ok(await page.getByRole('cell', { name: 'worker-39', exact: true }).isVisible(), 'it unfolds');
  t.same(wrong, []);
  await page.context().close();
});

await t.test('what would be loaded or run is not, even if it got in', async (t) => {
  const evil = '<script>document.title="run"</script><img src="http://127.0.0.1:9/x.png">';
  const page = reportPage(makeReport(busyReport)).replace('<main>', `<main>${evil}`);
  writeFileSync(join(directory, 'evil.html'), page);
  const { page: shown, wrong } = await open(browser, 'evil', {});
  t.not(await shown.title(), 'run');
  t.ok(wrong.some((one) => one.startsWith('console:') && one.includes('Content Security Policy')));
  await shown.context().close();
});
