/**
 * A Chromium for tests: one on PATH, else the one inside the npm package, else Debian's package when we are root. Each open
 * page keeps what it logged, what it asked the network for, and its dialogs, so that a test can claim there was none.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, launch, type Page } from 'puppeteer-core';

const run = promisify(execFile);
const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'headless_shell'];
const LAUNCH_TIMEOUT_MS = 60_000;
const INSTALL_TIMEOUT_MS = 300_000;

export interface OpenedPage {
  readonly page: Page;
  /** Console errors and warnings, uncaught exceptions, policy violations. */
  readonly errors: readonly string[];
  /** Everything asked for besides the file itself. */
  readonly requests: readonly string[];
  readonly dialogs: readonly string[];
}

export interface Chromium {
  readonly from: 'PATH' | 'npm package' | 'Debian package';
  readonly browser: Browser;
  /** Opens a local HTML file and waits until its scripts have run. */
  openPage(file: string, options?: OpenOptions): Promise<OpenedPage>;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  readonly javascript?: boolean;
}

/** Starts a headless Chromium; `close` ends it and removes what it needed on the disk. */
export async function startChromium(): Promise<Chromium> {
  const home = await mkdtemp(join(tmpdir(), 'peakproof-chromium-'));
  const tried: string[] = [];
  for (const { from, prepare } of SOURCES) {
    try {
      const found = await prepare(home);
      if (found === null) {
        tried.push(`${from}: none`);
        continue;
      }
      const browser = await launchBrowser(found, home);
      return {
        from,
        browser,
        openPage: (file, options) => openPage(browser, file, options),
        close: async () => {
          await browser.close();
          await rm(home, { recursive: true, force: true });
        },
      };
    } catch (error) {
      tried.push(`${from}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
    }
  }
  await rm(home, { recursive: true, force: true });
  throw new Error(`no Chromium to test the report with (${tried.join('; ')}); install one, or set CHROMIUM to its path`);
}

interface Program {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const SOURCES: readonly { readonly from: Chromium['from']; prepare(home: string): Promise<Program | null> }[] = [
  { from: 'PATH', prepare: fromPath },
  { from: 'npm package', prepare: fromNpmPackage },
  { from: 'Debian package', prepare: fromDebianPackage },
];

async function fromPath(): Promise<Program | null> {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = [process.env.CHROMIUM ?? '', ...NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))];
  const path = candidates.find((one) => one !== '' && existsSync(one));
  return path === undefined ? null : { path, args: [], env: {} };
}

/** The package unpacks below the temporary folder and looks there for an earlier copy, so it is given one of our own. */
async function fromNpmPackage(home: string): Promise<Program | null> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null;
  const { default: chromium } = await import('@sparticuz/chromium');
  const before = { TMPDIR: process.env.TMPDIR, AWS_EXECUTION_ENV: process.env.AWS_EXECUTION_ENV };
  try {
    process.env.TMPDIR = home;
    // Says that the host lacks the libraries a browser needs; the package then unpacks its own copies of them too.
    process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs22.x';
    const path = await chromium.executablePath();
    const libraries = join(home, 'al2023', 'lib');
    const missing = await missingLibraries(path);
    const env = { FONTCONFIG_FILE: await writeFontList(home), ...(missing ? { LD_LIBRARY_PATH: libraries } : {}) };
    return { path, args: ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'], env };
  } finally {
    restoreEnvironment(before);
  }
}

/** The package's own list names folders of another system; a page without a font shows no text at all. */
async function writeFontList(home: string): Promise<string> {
  const file = join(home, 'fonts.conf');
  const folders = [join(home, 'fonts', 'fonts'), '/usr/share/fonts', '/usr/local/share/fonts'];
  const list = folders.map((folder) => `<dir>${folder}</dir>`).join('');
  await writeFile(
    file,
    `<?xml version="1.0"?><fontconfig>${list}<cachedir>${join(home, 'font-cache')}</cachedir></fontconfig>\n`,
  );
  return file;
}

function restoreEnvironment(values: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

async function missingLibraries(path: string): Promise<boolean> {
  const { stdout } = await run('ldd', [path]);
  return stdout.includes('not found');
}

async function fromDebianPackage(): Promise<Program | null> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return null;
  await run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], {
    timeout: INSTALL_TIMEOUT_MS,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return existsSync('/usr/bin/chromium') ? { path: '/usr/bin/chromium', args: [], env: {} } : null;
}

function launchBrowser(program: Program, home: string): Promise<Browser> {
  // A browser's sandbox cannot be set up by root; every other user keeps it unless the kernel forbids it to them.
  const sandbox = process.getuid?.() === 0 || process.env.CHROMIUM_NO_SANDBOX === '1' ? ['--no-sandbox'] : [];
  return launch({
    executablePath: program.path,
    headless: 'shell',
    timeout: LAUNCH_TIMEOUT_MS,
    userDataDir: join(home, 'profile'),
    args: [...program.args, ...sandbox, '--disable-dev-shm-usage', '--no-first-run', '--hide-scrollbars'],
    env: { ...process.env, HOME: home, ...program.env },
  });
}

async function openPage(browser: Browser, file: string, options: OpenOptions = {}): Promise<OpenedPage> {
  const page = await browser.newPage();
  const errors: string[] = [];
  const requests: string[] = [];
  const dialogs: string[] = [];
  const address = pathToFileURL(file).href;
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warn') errors.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => errors.push(`uncaught: ${error instanceof Error ? error.message : String(error)}`));
  page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    dialog.dismiss().catch((error: unknown) => errors.push(`dialog: ${String(error)}`));
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !url.startsWith('data:')) requests.push(url);
  });
  await page.setJavaScriptEnabled(options.javascript ?? true);
  await page.setViewport({ width: options.width ?? 1280, height: options.height ?? 900 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: options.dark === true ? 'dark' : 'light' }]);
  await page.goto(address, { waitUntil: 'load', timeout: LAUNCH_TIMEOUT_MS });
  return { page, errors, requests, dialogs };
}
