// Plays a client of MCP Apps in a real Chromium: shows the document of `sparklake serve` in a sandboxed frame with the
// policy that the specification gives to documents without domains of their own, hands it answers of tools, and passes on
// what it reads. Fails where a page is not shown, a message of the console appears, axe-core calls something serious, or the
// frame tries to reach anything but its client.
//
//   npm install && CHROMIUM=/usr/bin/chromium node app.mjs http://127.0.0.1:8080 [FOLDER FOR PICTURES]
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import puppeteer from 'puppeteer-core';

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const [base, pictures] = process.argv.slice(2);
const HOST_POLICY = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' data:; connect-src 'none'";

let sent = 0;
async function mcp(method, params) {
  sent += 1;
  const answer = await fetch(`${base}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-11-25' },
    body: JSON.stringify({ jsonrpc: '2.0', id: sent, method, params }),
  });
  const message = await answer.json();
  if (message.error) throw new Error(`${method}: ${message.error.message}`);
  return message.result;
}
const call = (name, args) => mcp('tools/call', { name, arguments: args });

const slowest = await call('slowest', { kind: 'sql' });
const { application_id: app, sql_id } = slowest.structuredContent.sql[0];
const { stage_id } = (await call('slowest', { kind: 'stages', app })).structuredContent.stages[0];
const { tools } = await mcp('tools/list', {});
const uri = tools.find((tool) => tool.name === 'diagnose')._meta.ui.resourceUri;
const [document_] = (await mcp('resources/read', { uri })).contents;

const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
let failed = 0;
const fail = (text) => {
  failed += 1;
  console.log(`FAULT ${text}`);
};

async function open(theme, width) {
  const page = await browser.newPage();
  await page.setViewport({ width, height: 900 });
  const read = [];
  page.on('console', (message) => fail(`console: ${message.text()}`));
  page.on('pageerror', (error) => fail(`error: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith('about:') && !request.url().startsWith('data:')) fail(`asked for ${request.url()}`);
  });
  await page.exposeFunction('passOn', async (params) => {
    read.push(params.uri);
    return mcp('resources/read', params);
  });
  await page.setContent('<!doctype html><style>body{margin:0}iframe{border:0;width:100%;height:880px}</style><iframe sandbox="allow-scripts"></iframe>');
  await page.evaluate((html, policy, theme) => {
    const frame = document.querySelector('iframe');
    window.sizes = 0;
    window.ready = new Promise((resolve) => {
      addEventListener('message', async (event) => {
        if (event.source !== frame.contentWindow) return;
        const { id, method, params } = event.data;
        const answer = (result) => frame.contentWindow.postMessage({ jsonrpc: '2.0', id, result }, '*');
        if (method === 'ui/initialize') answer({ protocolVersion: '2026-01-26', hostInfo: { name: 'test', version: '1' }, hostCapabilities: { serverResources: {} }, hostContext: { theme } });
        else if (method === 'resources/read') {
          try {
            answer(await window.passOn(params));
          } catch (error) {
            frame.contentWindow.postMessage({ jsonrpc: '2.0', id, error: { code: -32002, message: error.message } }, '*');
          }
        } else if (method === 'ui/notifications/initialized') resolve();
        else if (method === 'ui/notifications/size-changed') window.sizes += 1;
      });
    });
    frame.srcdoc = html.replace('<head>', `<head><meta http-equiv="Content-Security-Policy" content="${policy}">`);
    return window.ready;
  }, document_.text, HOST_POLICY, theme);
  const frame = page.frames().find((one) => one !== page.mainFrame());
  return { page, frame, read };
}

async function hand(page, result) {
  await page.evaluate((result) => {
    document.querySelector('iframe').contentWindow.postMessage({ jsonrpc: '2.0', method: 'ui/notifications/tool-result', params: result }, '*');
  }, result);
}

for (const [name, args, mark] of [
  ['diagnose', { app }, 'Stages over time'],
  ['inspect', { app, sql_id }, 'plan'],
  ['inspect', { app, stage_id }, 'tasks'],
  ['executors', { app }, 'xecutor'],
]) {
  const result = await call(name, args);
  for (const [theme, width] of [['light', 1000], ['dark', 390]]) {
    const { page, frame, read } = await open(theme, width);
    await hand(page, result);
    await frame.waitForSelector('#app h1', { timeout: 300_000 }).catch(() => fail(`${name}: no page`));
    const seen = await frame.evaluate(() => ({
      text: document.body.innerText,
      pictures: document.querySelectorAll('svg').length,
      elements: document.querySelectorAll('*').length,
      paper: getComputedStyle(document.body).backgroundColor,
      overflow: document.documentElement.scrollWidth - window.innerWidth,
    }));
    console.log(`${name} ${JSON.stringify(args)} (${theme}, ${width}): ${read[0]}: ${seen.pictures} pictures, ${seen.elements} elements`);
    if (!seen.text.includes(mark) || seen.pictures === 0) fail(`${name}: ${seen.text.slice(0, 300)}`);
    if (seen.overflow > 0) fail(`${name} (${theme}, ${width}): ${seen.overflow} pixels wider than the frame`);
    if (seen.paper !== (theme === 'dark' ? 'rgb(25, 27, 31)' : 'rgb(255, 255, 255)')) fail(`${name}: ${theme} is ${seen.paper}`);
    if ((await page.evaluate(() => window.sizes)) === 0) fail(`${name}: says no size`);
    if (pictures) await page.screenshot({ path: `${pictures}/app-${name}${args.sql_id !== undefined ? '-sql' : ''}-${theme}-${width}.png` });
    // A link leads on to another page, and back.
    if (theme === 'light') {
      const before = await frame.evaluate(() => document.querySelector('h1').textContent);
      await frame.evaluate(() => document.querySelector('nav.siblings a:not([aria-current])').click());
      await frame.waitForFunction((before) => document.querySelector('h1')?.textContent !== before, { timeout: 300_000 }, before);
      await frame.evaluate(() => document.querySelector('#app > button').click());
      await frame.waitForFunction((before) => document.querySelector('h1')?.textContent === before, { timeout: 300_000 }, before);
      if (read.length !== 3) fail(`${name}: read ${read}`);
    }
    await page.close();
  }
}
// axe needs to be put in, which the document's own policy forbids: it looks at the same page without it.
const page = await browser.newPage();
await page.setBypassCSP(true);
const [part] = (await mcp('resources/read', { uri: `sparklake://pages/application?id=${encodeURIComponent(app)}` })).contents;
await page.setContent(document_.text.replace(/<script>[^]*<\/script>/, '').replace(/<main id="app">[^]*<\/main>/, () => `<main id="app">${part.text}</main>`));
await page.evaluate(axe);
const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
for (const { id, impact, help } of violations) {
  if (impact === 'serious' || impact === 'critical') fail(`${impact}: ${id}: ${help}`);
}
await browser.close();
console.log(failed === 0 ? 'no fault' : `${failed} faults`);
process.exit(failed === 0 ? 0 : 1);
