import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { stderrMarkers } from '#shared/console-streams.ts';
import { type InstrumentsPage, launchChromium, serveInstruments } from '../fixtures/instruments/serve.ts';

let site: InstrumentsPage;
let browser: Browser;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  [site, browser] = await Promise.all([serveInstruments(), launchChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});
afterEach(async () => {
  await page?.close();
  expect(faults.splice(0)).toEqual([]);
});

async function open(query = 'view=console', prepare?: () => void): Promise<void> {
  page = await browser.newPage({ viewport: { width: 1000, height: 260 } });
  if (prepare !== undefined) await page.addInitScript(prepare);
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('popup', () => faults.push('a window was opened'));
  await page.goto(site.url(query));
  await page.locator('.xterm-rows').waitFor();
}

/** Delivers text like the guest; resolves when the terminal has taken it. */
const send = (text: string) => page.evaluate((sent) => window.control.send(new TextEncoder().encode(sent)), text);
/** The screen's text once the terminal has drawn: a frame after it has taken the bytes. */
async function screen(): Promise<string> {
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  const rows = await page.locator('.xterm-rows > div').allTextContents();
  return rows
    .map((row) => row.replaceAll('\u00a0', ' ').trimEnd())
    .join('\n')
    .trimEnd();
}
const written = () => page.evaluate(() => window.control.written());
const state = async () => (await page.getByTestId('console-state').textContent())?.replaceAll('\u00a0', ' ');

describe('console', () => {
  it('shows what the guest wrote so far, and what it writes', async () => {
    await open();
    await page.getByText('pvh entry').waitFor();
    await send('later\r\n');
    expect(await screen()).toMatch(/^\[ember\] pvh entry[\s\S]+größer ✓ 日本語[\s\S]+later$/);
    expect(await state()).toBe('attached');
  });

  it('shows stderr in red, and with its name', async () => {
    await open();
    await page.getByText('pvh entry').waitFor();
    await send(`to stdout\r\n${stderrMarkers.begin}to stderr\r\n${stderrMarkers.end}again`);
    expect(await screen()).toMatch(/^to stdout\nstderr to stderr\nagain$/m);
    const colour = (text: string) =>
      page
        .locator('.xterm-rows span', { hasText: text })
        .evaluateAll((spans) => [...new Set(spans.map((span) => getComputedStyle(span).color))]);
    expect(await colour('to stderr')).toHaveLength(1);
    expect(await colour('to stderr')).not.toEqual(await colour('again'));
  });

  it('sends what a person types, and leaves the studio its shortcuts', async () => {
    await open();
    await page.evaluate(() => {
      window.addEventListener('keydown', (event) => {
        document.title += ` ${event.ctrlKey ? 'Ctrl+' : ''}${event.key}`;
      });
    });
    await page.locator('.xterm').click();
    await page.keyboard.type('ls');
    await page.keyboard.press('F6');
    await page.keyboard.press('Control+Enter');
    await page.keyboard.press('Control+k');
    expect(await written()).toBe('ls');
    expect(await page.title()).toMatch(/F6.*Ctrl\+Enter.*Ctrl\+k/);
  });

  it('finds text forwards and backwards and counts the matches', async () => {
    await open();
    await page.getByText('pvh entry').waitFor();
    await page.locator('.xterm').click();
    await page.keyboard.press('Control+f');
    await page.keyboard.type('ember');
    const count = page.getByRole('search').locator('output');
    await expect.poll(() => count.textContent()).toBe('1 of 4');
    await page.keyboard.press('Enter');
    await expect.poll(() => count.textContent()).toBe('2 of 4');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.press('Shift+Enter');
    await expect.poll(() => count.textContent()).toBe('4 of 4');
    await page.getByRole('button', { name: 'Match case' }).or(page.getByTitle('Match case')).click();
    await page.getByLabel('Find in console').fill('EMBER');
    await expect.poll(() => count.textContent()).toBe('no matches');
    await page.getByTitle('Regular expression').click();
    await page.getByLabel('Find in console').fill('[a-z');
    await expect.poll(() => count.textContent()).toBe('not a regular expression');
    await page.getByLabel('Find in console').press('Escape');
    expect(await page.getByRole('search').count()).toBe(0);
    expect(await written()).toBe('');
  });

  it('copies everything, or the selection', async () => {
    await open();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByText('pvh entry').waitFor();
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Copied everything').waitFor();
    const all = await page.evaluate(() => navigator.clipboard.readText());
    expect(all).toContain('[ember] pvh entry, 64 MiB, 1 vCPU (TCG)\n');
    expect(all).toContain('at greet (handler.ts:7:21)');
    await page.getByText('warning').dblclick({ force: true });
    await page.locator('.xterm').press('Control+Shift+C');
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/^\S+$/);
  });

  it('saves the bytes as they came', async () => {
    await open();
    await page.getByText('pvh entry').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('hello-3f2.log');
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toContain('\u001b[36m[ember]\u001b[0m page tables');
  });

  it('holds the view still while paused and goes on at the end after', async () => {
    await open();
    await send(Array.from({ length: 100 }, (_, n) => `line ${n}\r\n`).join(''));
    expect(await screen()).toContain('line 99');
    await page.getByRole('button', { name: 'Pause' }).click();
    const before = await screen();
    await send(Array.from({ length: 500 }, (_, n) => `more ${n}\r\n`).join(''));
    await send('and more\r\n');
    // The free row at the bottom fills; the other rows do not move.
    expect((await screen()).startsWith(before)).toBe(true);
    expect(await screen()).not.toContain('more 1');
    await page.getByRole('button', { name: 'Follow' }).click();
    expect(await screen()).toContain('and more');
  });

  it('says when lines were dropped from the scrollback', async () => {
    await open();
    expect(await page.getByTestId('console-facts').textContent()).not.toContain('lines');
    await send('x\r\n'.repeat(11_000));
    await page.getByText('last 10,000 lines; Save has more').waitFor();
  });

  it('stays at the last line when it gets smaller out of sight, and output goes on', async () => {
    // A busy page is never idle: xterm measures itself again only when it is visible.
    await open('view=console', () => {
      window.requestIdleCallback = () => 0;
    });
    const lines = (from: number) => Array.from({ length: 500 }, (_, n) => `line ${from + n}\r\n`).join('');
    const place = (left: string, height: string) =>
      page.getByRole('region', { name: /^Console of/ }).evaluate(
        (console, to) => {
          Object.assign(console.style, to);
        },
        { translate: left, height },
      );
    await send(lines(0));
    await place('-200vw', '240px');
    await screen();
    await place('-200vw', '120px');
    await screen();
    await send(lines(500));
    await place('0', '120px');
    await expect.poll(screen).toContain('line 999');
    await send(lines(1000));
    await expect.poll(screen).toContain('line 1499');
  });

  it('attaches again by itself after a loss, and shows the replay once', async () => {
    await open();
    await page.getByText('pvh entry').waitFor();
    await send('typed before the loss\r\n');
    await page.evaluate(() => window.control.end('the daemon went away'));
    await expect.poll(state).toBe('lost: the daemon went away (trying again in 0.5 s)');
    expect(await screen()).toContain('typed before the loss');
    await expect.poll(state).toBe('attached');
    await expect.poll(screen).not.toContain('typed before the loss');
    expect((await screen()).match(/pvh entry/g)).toHaveLength(1);
    expect(await page.evaluate(() => window.control.opened())).toBe(2);
  });

  it('stays ended after a clean end until asked to attach again', async () => {
    await open();
    await page.evaluate(() => window.control.end(null));
    await expect.poll(state).toBe('ended');
    await page.waitForTimeout(700);
    expect(await page.evaluate(() => window.control.opened())).toBe(1);
    await page.getByRole('button', { name: 'Reconnect' }).click();
    await expect.poll(state).toBe('attached');
    expect(await page.evaluate(() => window.control.opened())).toBe(2);
  });

  it('wraps to the panel’s width', async () => {
    await open();
    await send(`${'w'.repeat(150)}\r\n`);
    const wide = (await screen()).split('\n').filter((row) => row.includes('ww')).length;
    await page.setViewportSize({ width: 500, height: 260 });
    await expect
      .poll(async () => (await screen()).split('\n').filter((row) => row.includes('ww')).length)
      .toBeGreaterThan(wide);
  });
});

describe('hostile output', () => {
  it('types nothing back into the guest', async () => {
    await open('view=console&state=empty');
    const questions = [
      '[c',
      '[>c',
      '[=c',
      '[0c',
      '[5n',
      '[6n',
      '[?6n',
      '[?15n',
      '[4$p',
      '[?25$p',
      '[18t',
      '[14t',
      '[21t',
      '[>q',
      '[x',
    ];
    const strings = [
      ']4;1;?\x07',
      ']10;?\x07',
      ']11;?\x1b\\',
      ']12;?\x07',
      ']52;c;?\x07',
      'P$qm\x1b\\',
      'P+q544e\x1b\\',
    ];
    await send([...questions, ...strings].map((question) => `\x1b${question}`).join('x'));
    await send('\x05\x9bc\x9b6n');
    await page.locator('.xterm').click();
    await send('\x1b[?1004h\x1b[?1000h\x1b[?1003h\x1b[?1006h');
    await page.mouse.click(300, 100);
    await page.mouse.move(400, 150);
    await page.getByRole('button', { name: 'Find' }).focus();
    expect(await written()).toBe('');
  });

  it('changes no title, clipboard, colour or link', async () => {
    await open('view=console&state=empty');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.evaluate(() => navigator.clipboard.writeText('mine'));
    const title = await page.title();
    await send('\x1b]0;owned\x07\x1b]2;owned\x07\x1b]52;c;b3duZWQ=\x07\x1b]11;#ff0000\x07');
    await send(
      '\x1b]8;;javascript:alert(1)\x1b\\click me\x1b]8;;\x1b\\ \x1b]8;;https://example.com\x1b\\and me\x1b]8;;\x1b\\',
    );
    expect(await screen()).toBe('click me and me');
    await page.getByText('click me').click({ modifiers: ['Control'], force: true });
    expect(await page.title()).toBe(title);
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('mine');
    const background = await page
      .locator('.xterm-scrollable-element')
      .first()
      .evaluate((element) => getComputedStyle(element).backgroundColor);
    expect(background).not.toBe('rgb(255, 0, 0)');
  });

  it('cannot make the page work without bounds', async () => {
    await open('view=console&state=empty');
    const most = 2_147_483_647;
    const finals = [
      '@',
      'A',
      'B',
      'C',
      'D',
      'E',
      'F',
      'I',
      'L',
      'M',
      'P',
      'S',
      'T',
      'X',
      'Z',
      'b',
      'e',
      'a',
      ' @',
      ' A',
      "'}",
      "'~",
    ];
    await send(`a${finals.map((final) => `\x1b[${most}${final}`).join('a')}\x1b[${most};${most}H\x1b[?2026h`);
    await send('\x1b[H\x1b[Jstill here');
    expect(await screen()).toContain('still here');
  });

  it('cannot erase the scrollback or hide the ends of lines', async () => {
    await open('view=console&state=empty');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await send(
      `${Array.from({ length: 50 }, (_, n) => `row ${n}`).join('\r\n')}\x1b[3J\x1b[?7l\r\n${'w'.repeat(300)}END\r\n`,
    );
    expect(await screen()).toContain('END');
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Copied everything').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('row 0');
  });

  it('survives binary garbage, split anywhere', async () => {
    await open('view=console&state=empty');
    await page.evaluate(async () => {
      let seed = 99;
      for (let n = 0; n < 300; n++) {
        const garbage = Uint8Array.from({ length: 701 }, () => {
          seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
          return seed >> 16;
        });
        await window.control.send(garbage);
      }
    });
    expect(await written()).toBe('');
    await send('\x18\x1b\\\x1bc\x1b[0mback to normal');
    expect(await screen()).toContain('back to normal');
  });
});
