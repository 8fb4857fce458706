/** Labels and bounds of `date:month` and its like. Weeks are ISO weeks (locale en_US of Odoo starts them on Sunday; ours on Monday). */
export type DateStep = 'day' | 'week' | 'month' | 'quarter' | 'year';
const STEPS: readonly string[] = ['day', 'week', 'month', 'quarter', 'year'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

export const isDateStep = (step: string): step is DateStep => STEPS.includes(step);

const parse = (text: string): Date => new Date(`${text.slice(0, 10)}T00:00:00Z`);
const format = (date: Date, withTime: boolean): string => date.toISOString().slice(0, 10) + (withTime ? ' 00:00:00' : '');

/** `start` is what date_trunc gave: the first day of the group. */
export function dateBounds(start: string, step: DateStep, withTime: boolean): { readonly from: string; readonly to: string } {
  const from = parse(start);
  const to = new Date(from);
  if (step === 'day') to.setUTCDate(to.getUTCDate() + 1);
  if (step === 'week') to.setUTCDate(to.getUTCDate() + 7);
  if (step === 'month') to.setUTCMonth(to.getUTCMonth() + 1);
  if (step === 'quarter') to.setUTCMonth(to.getUTCMonth() + 3);
  if (step === 'year') to.setUTCFullYear(to.getUTCFullYear() + 1);
  return { from: format(from, withTime), to: format(to, withTime) };
}

export function dateLabel(start: string, step: DateStep): string {
  const date = parse(start);
  const year = date.getUTCFullYear();
  switch (step) {
    case 'day':
      return `${String(date.getUTCDate()).padStart(2, '0')} ${(MONTHS[date.getUTCMonth()] ?? '').slice(0, 3)} ${year}`;
    case 'week':
      return weekLabel(date);
    case 'month':
      return `${MONTHS[date.getUTCMonth()]} ${year}`;
    case 'quarter':
      return `Q${Math.floor(date.getUTCMonth() / 3) + 1} ${year}`;
    case 'year':
      return String(year);
  }
}

/** ISO 8601: the week belongs to the year that holds its Thursday. */
function weekLabel(monday: Date): string {
  const thursday = new Date(monday);
  thursday.setUTCDate(thursday.getUTCDate() + 3);
  const firstThursday = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  const week = Math.floor((thursday.getTime() - firstThursday) / (7 * 86_400_000)) + 1;
  return `W${week} ${thursday.getUTCFullYear()}`;
}
