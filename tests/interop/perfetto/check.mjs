// node check.mjs APPLICATION TASKS,DURATION_MS: asks the trace processor behind http://localhost:9001 what it made of a trace.
import puppeteer from 'puppeteer-core';

const [application, expected] = process.argv.slice(2);
const [tasks, duration] = expected.split(',').map(Number);
const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
    protocolTimeout: 600_000,
});
const page = await browser.newPage();
const problems = [];
page.on('pageerror', (error) => problems.push(String(error)));
// The server needs a moment.
for (let tries = 0; ; tries++) {
    try {
        await page.goto('http://localhost:9001/', { waitUntil: 'load', timeout: 120_000 });
        break;
    } catch (error) {
        if (tries === 20) throw error;
        await new Promise((resolve) => setTimeout(resolve, 500));
    }
}
await page.waitForFunction(() => globalThis.app?.trace?.engine, { timeout: 300_000 });

const query = (sql) => page.evaluate(async (text) => {
    const result = await globalThis.app.trace.engine.query(text);
    const columns = result.columns();
    const rows = [];
    for (const row = result.iter({}); row.valid(); row.next()) {
        rows.push(Object.fromEntries(columns.map((column) => [column, String(row.get(column))])));
    }
    return rows;
}, sql);

const losses = await query("SELECT name, value FROM stats WHERE value > 0 AND severity <> 'info'");
problems.push(...losses.map(({ name, value }) => `${name}: ${value}`));
const [found] = await query(`SELECT COUNT(*) AS slices, COALESCE(SUM(slice.dur), 0) / 1000000 AS ms
    FROM slice JOIN thread_track ON slice.track_id = thread_track.id JOIN thread USING (utid) JOIN process USING (upid)
    WHERE slice.category = 'task'`);
if (Number(found.slices) !== tasks || Number(found.ms) !== duration) {
    problems.push(`${found.slices} tasks of ${found.ms} ms, where the lake has ${tasks} of ${duration} ms`);
}
const tracks = await query(`SELECT process.name AS process, COUNT(DISTINCT utid) AS tracks, COUNT(slice.id) AS slices
    FROM slice JOIN thread_track ON slice.track_id = thread_track.id JOIN thread USING (utid) JOIN process USING (upid)
    GROUP BY process.name ORDER BY process.name`);
console.log(`${application}: ${found.slices} tasks, ${found.ms} ms; ` +
    tracks.map(({ process: name, tracks: number, slices }) => `${name}: ${slices} on ${number}`).join('; '));
await browser.close();
if (problems.length > 0) {
    console.error(problems.join('\n'));
    process.exit(1);
}
