// Opens pages in a real Chromium, light and dark, wide and narrow, and fails on what axe-core calls serious or
// critical, on any message of the console, on a page wider than its window, and on a page that takes too many
// elements.
//
//   npm install && CHROMIUM=/usr/bin/chromium node check.mjs http://127.0.0.1:8080 / /applications '/stage?id=…&stage=0'
//   node check.mjs file:///tmp/report.html
//
// Without paths it walks: the pages of the navigation, the newest application and each page that its page links to.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import puppeteer from 'puppeteer-core';

const MOST_ELEMENTS = 5000;
const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const [base, ...given] = process.argv.slice(2);
if (!base) {
  console.error('usage: node check.mjs URL [PATH]…');
  process.exit(2);
}
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});

async function look(url, { dark, width }) {
  const page = await browser.newPage();
  // What axe needs is put in by the debugger; the page's own policy forbids every script.
  await page.setBypassCSP(true);
  await page.setViewport({ width, height: 800 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]);
  const faults = [];
  page.on('console', (message) => faults.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  const answer = await page.goto(url, { timeout: 120_000 });
  if (answer && !answer.ok()) faults.push(`status ${answer.status()}`);
  const { elements, overflow, links } = await page.evaluate(() => ({
    elements: document.querySelectorAll('*').length,
    overflow: document.documentElement.scrollWidth - window.innerWidth,
    links: [...document.querySelectorAll('nav.siblings a, main a[href^="/"]')].map((link) => link.getAttribute('href')),
  }));
  if (elements > MOST_ELEMENTS) faults.push(`${elements} elements`);
  if (overflow > 0) faults.push(`${overflow} pixels wider than the window`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
  for (const { id, impact, help, nodes } of violations) {
    const text = `${impact}: ${id}: ${help}: ${nodes.length} × ${nodes[0].target} ${nodes[0].html.slice(0, 160)}`;
    if (impact === 'serious' || impact === 'critical') faults.push(text);
    else console.log(`  note: ${text}`);
  }
  await page.close();
  return { faults, links };
}

let failed = 0;
async function check(path) {
  const url = new URL(path, base).href;
  let links = [];
  for (const dark of [false, true]) {
    for (const width of [1280, 390]) {
      const seen = await look(url, { dark, width });
      links = seen.links;
      for (const fault of seen.faults) {
        failed += 1;
        console.log(`${path} (${dark ? 'dark' : 'light'}, ${width}): ${fault}`);
      }
    }
  }
  console.log(`looked at ${path}`);
  return links;
}

if (base.startsWith('file:')) {
  await check(base);
  for (const path of given) await check(path);
} else if (given.length > 0) {
  for (const path of given) await check(path);
} else {
  for (const path of ['/', '/jobs', '/findings', '/compare', '/sql']) await check(path);
  const listed = await check('/applications');
  const application = listed.find((link) => link.startsWith('/application?'));
  if (application) {
    // One page of each kind that is linked from the application's.
    const seen = new Set();
    for (const link of [application, ...(await check(application))]) {
      const kind = link.split('?')[0];
      if (seen.has(kind)) continue;
      seen.add(kind);
      await check(link);
    }
  }
}
await browser.close();
console.log(failed === 0 ? 'no fault' : `${failed} faults`);
process.exit(failed === 0 ? 0 : 1);
