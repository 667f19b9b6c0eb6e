/* sharing.ts: rules about memory that more than one thread can write: threads, shared mappings,
 * devices' and the kernel's own memory, processes outside of the application.
 * The rule: what only the application's threads write is ordered; what anybody else writes is an
 * input that no record has. */
import type { SharedMapping } from '../../observation.js';
import { listed, type Facts } from '../facts.js';
import { finding, type Rule } from './rule.js';

const isMultithreaded = ({ observation }: Facts): boolean =>
  observation.processes.some(({ threadsMax }) => threadsMax > 1);

const names = (mappings: readonly SharedMapping[]): string =>
  listed([...new Set(mappings.map(({ what }) => what))], 3);

/** Memory of a device, or of an object of the kernel's (a socket goes by its protocol's name):
 * whatever is neither anonymous nor a file of a file system for data. */
function isForeign({ what }: SharedMapping): boolean {
  if (/^(anonymous|memfd:.*|sysv:.*)$/.test(what)) return false;
  if (/^\/dev\/(shm\/|zero\b)/.test(what)) return false;
  return !what.startsWith('/') || /^\/(dev|proc|sys)\//.test(what);
}

export const threads: Rule = {
  name: 'threads',
  look: (facts) => {
    if (!isMultithreaded(facts)) return [];
    const most = Math.max(...facts.observation.processes.map(({ threadsMax }) => threadsMax));
    const files = facts.instructions.filter(({ name }) => name === 'lock').length;
    const evidence = files > 0
      ? `, and ${files} of its files hold lock-prefixed instructions: they share without calls`
      : '';
    return [finding(
      'serial', `up to ${most} threads of one process share its memory${evidence}`,
      'start with --schedule serial (the default): one thread runs at a time',
    )];
  },
};

export const sharedMemory: Rule = {
  name: 'shared-memory',
  look: (facts) => {
    const own = new Set(facts.observation.processes.map(({ pid }) => pid));
    const isOwn = ({ pids }: SharedMapping): boolean => pids.every((pid) => own.has(pid));
    const several = facts.observation.shared.filter((each) =>
      each.pids.length > 1 && isOwn(each) && !isForeign(each));
    if (several.length === 0) return [];
    return [finding(
      'serial', `processes share writable memory: ${names(several)}`,
      'start with --schedule serial (the default): one process runs at a time',
    )];
  },
};

export const foreignMemory: Rule = {
  name: 'foreign-memory',
  look: (facts) => {
    const own = new Set(facts.observation.processes.map(({ pid }) => pid));
    const { shared } = facts.observation;
    const foreign = shared.filter(isForeign);
    const outside = shared.filter(({ pids }) => pids.some((pid) => !own.has(pid)));
    return [
      ...foreign.length === 0 ? [] : [finding(
        'prevents', `a device or the kernel writes to memory it has mapped: ${names(foreign)}`,
        'start the program without the device, or with ordinary reads and writes')],
      ...outside.length === 0 ? [] : [finding(
        'prevents',
        `a process that does not belong to it writes to memory it has mapped: ${names(outside)}`,
        'start all processes that share the memory with one command, under one HotSwap')],
    ];
  },
};

/** HS_MAX_SLOTS of shim/ring.h; a test compares. */
export const mostThreads = 4096;

export const manyThreads: Rule = {
  name: 'many-threads',
  look: ({ observation }) => {
    const most = observation.processes.reduce((max, each) => Math.max(max, each.threadsMax), 0);
    if (most <= mostThreads) return [];
    return [finding(
      'prevents',
      `it had ${most.toLocaleString('en')} threads at once: an application may have ` +
        `${mostThreads.toLocaleString('en')}`,
      'let it use a pool of threads',
    )];
  },
};
