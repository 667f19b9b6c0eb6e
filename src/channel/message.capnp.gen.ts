// Generated from message.capnp by capnpc-ts; never edited by hand. It gives control messages their
// accessors and the tests an independent reader of records. How to make it again:
// docs/decisions/capnp.md.
import * as capnp from "capnp-ts";
import { ObjectSize as __O, Struct as __S } from 'capnp-ts';
export const _capnpFileId = "b7f3a1c5d2e94860";
export class Record extends __S {
    static override readonly _capnp = { displayName: "Record", id: "b48165882ce5165b", size: new __O(40, 1) };
    getMethod(): number { return __S.getUint32(0, this); }
    setMethod(value: number): void { __S.setUint32(0, value, this); }
    getPid(): number { return __S.getUint32(4, this); }
    setPid(value: number): void { __S.setUint32(4, value, this); }
    getSeq(): bigint { return __S.getUint64(8, this); }
    setSeq(value: bigint): void { __S.setUint64(8, value, this); }
    getTid(): number { return __S.getUint32(16, this); }
    setTid(value: number): void { __S.setUint32(16, value, this); }
    getObject(): number { return __S.getUint32(20, this); }
    setObject(value: number): void { __S.setUint32(20, value, this); }
    getResult(): bigint { return __S.getInt64(24, this); }
    setResult(value: bigint): void { __S.setInt64(24, value, this); }
    getCheck(): bigint { return __S.getUint64(32, this); }
    setCheck(value: bigint): void { __S.setUint64(32, value, this); }
    adoptData(value: capnp.Orphan<capnp.Data>): void { __S.adopt(value, __S.getPointer(0, this)); }
    disownData(): capnp.Orphan<capnp.Data> { return __S.disown(this.getData()); }
    getData(): capnp.Data { return __S.getData(0, this); }
    hasData(): boolean { return !__S.isNull(__S.getPointer(0, this)); }
    initData(length: number): capnp.Data { return __S.initData(0, length, this); }
    setData(value: capnp.Data): void { __S.copyFrom(value, __S.getPointer(0, this)); }
    override toString(): string { return "Record_" + super.toString(); }
}
export enum Control_Which {
    HELLO = 0,
    ROLE = 1,
    MANIFEST = 2,
    PROCESS = 3,
    WATERMARK = 4,
    KEEPALIVE = 5,
    DIVERGENCE = 6,
    STOP = 7,
    CAUGHT_UP = 8,
    GOODBYE = 9,
    REFUSED = 10,
    OPENINGS = 11,
    KNOWN = 12
}
export class Control extends __S {
    static readonly HELLO = Control_Which.HELLO;
    static readonly ROLE = Control_Which.ROLE;
    static readonly MANIFEST = Control_Which.MANIFEST;
    static readonly PROCESS = Control_Which.PROCESS;
    static readonly WATERMARK = Control_Which.WATERMARK;
    static readonly KEEPALIVE = Control_Which.KEEPALIVE;
    static readonly DIVERGENCE = Control_Which.DIVERGENCE;
    static readonly STOP = Control_Which.STOP;
    static readonly CAUGHT_UP = Control_Which.CAUGHT_UP;
    static readonly GOODBYE = Control_Which.GOODBYE;
    static readonly REFUSED = Control_Which.REFUSED;
    static readonly OPENINGS = Control_Which.OPENINGS;
    static readonly KNOWN = Control_Which.KNOWN;
    static override readonly _capnp = { displayName: "Control", id: "ea51ae5b13ac2893", size: new __O(16, 1) };
    adoptHello(value: capnp.Orphan<Hello>): void {
        __S.setUint16(0, 0, this);
        __S.adopt(value, __S.getPointer(0, this));
    }
    disownHello(): capnp.Orphan<Hello> { return __S.disown(this.getHello()); }
    getHello(): Hello {
        __S.testWhich("hello", __S.getUint16(0, this), 0, this);
        return __S.getStruct(0, Hello, this);
    }
    hasHello(): boolean { return !__S.isNull(__S.getPointer(0, this)); }
    initHello(): Hello {
        __S.setUint16(0, 0, this);
        return __S.initStructAt(0, Hello, this);
    }
    isHello(): boolean { return __S.getUint16(0, this) === 0; }
    setHello(value: Hello): void {
        __S.setUint16(0, 0, this);
        __S.copyFrom(value, __S.getPointer(0, this));
    }
    adoptRole(value: capnp.Orphan<RoleClaim>): void {
        __S.setUint16(0, 1, this);
        __S.adopt(value, __S.getPointer(0, this));
    }
    disownRole(): capnp.Orphan<RoleClaim> { return __S.disown(this.getRole()); }
    getRole(): RoleClaim {
        __S.testWhich("role", __S.getUint16(0, this), 1, this);
        return __S.getStruct(0, RoleClaim, this);
    }
    hasRole(): boolean { return !__S.isNull(__S.getPointer(0, this)); }
    initRole(): RoleClaim {
        __S.setUint16(0, 1, this);
        return __S.initStructAt(0, RoleClaim, this);
    }
    isRole(): boolean { return __S.getUint16(0, this) === 1; }
    setRole(value: RoleClaim): void {
        __S.setUint16(0, 1, this);
        __S.copyFrom(value, __S.getPointer(0, this));
    }
    adoptManifest(value: capnp.Orphan<Manifest>): void {
        __S.setUint16(0, 2, this);
        __S.adopt(value, __S.getPointer(0, this));
    }
    disownManifest(): capnp.Orphan<Manifest> { return __S.disown(this.getManifest()); }
    getManifest(): Manifest {
        __S.testWhich("manifest", __S.getUint16(0, this), 2, this);
        return __S.getStruct(0, Manifest, this);
    }
    hasManifest(): boolean { return !__S.isNull(__S.getPointer(0, this)); }
    initManifest(): Manifest {
        __S.setUint16(0, 2, this);
        return __S.initStructAt(0, Manifest, this);
    }
    isManifest(): boolean { return __S.getUint16(0, this) === 2; }
    setManifest(value: Manifest): void {
        __S.setUint16(0, 2, this);
        __S.copyFrom(value, __S.getPointer(0, this));
    }
    adoptProcess(value: capnp.Orphan<Process>): void {
        __S.setUint16(0, 3, this);
        __S.adopt(value, __S.getPointer(0, this));
    }
    disownProcess(): capnp.Orphan<Process> { return __S.disown(this.getProcess()); }
    getProcess(): Process {
        __S.testWhich("process", __S.getUint16(0, this), 3, this);
        return __S.getStruct(0, Process, this);
    }
    hasProcess(): boolean { return !__S.isNull(__S.getPointer(0, this)); }
    initProcess(): Process {
        __S.setUint16(0, 3, this);
        return __S.initStructAt(0, Process, this);
    }
    isProcess(): boolean { return __S.getUint16(0, this) === 3; }
    setProcess(value: Process): void {
        __S.setUint16(0, 3, this);
        __S.copyFrom(value, __S.getPointer(0, this));
    }
    adoptWatermark(value: capnp.Orphan<Watermark>): void {
        __S.setUint16(0, 4, this);
        __S.adopt(value, __S.getPointer(0, this));
    }
    disownWatermark(): capnp.Orphan<Watermark> { return __S.disown(this.getWatermark()); }
    getWatermark(): Watermark {
        __S.testWhich("watermark", __S.getUint16(0, this), 4, this);
        return __S.getStruct(0, Watermark, this);
    }
    hasWatermark(): boolean { return !__S.isNull(__S.getPointer(0, this)); }
    initWatermark(): Watermark {
        __S.setUint16(0, 4, this);
        return __S.initStructAt(0, Watermark, this);
    }
    isWatermark(): boolean { return __S.getUint16(0, this) === 4; }
    setWatermark(value: Watermark): void {
        __S.setUint16(0, 4, this);
        __S.copyFrom(value, __S.getPointer(0, this));
    }
    getKeepalive(): bigint {
        __S.testWhich("keepalive", __S.getUint16(0, this), 5, this);
        return __S.getUint64(8, this);
    }
    isKeepalive(): boolean { return __S.getUint16(0, this) === 5; }
    setKeepalive(value: bigint): void {
        __S.setUint16(0, 5, this);
        __S.setUint64(8, value, this);
    }
    adoptDivergence(value: capnp.Orphan<Divergence>): void {
        __S.setUint16(0, 6, this);
        __S.adopt(value, __S.getPointer(0, this));
    }
    disownDivergence(): capnp.Orphan<Divergence> { return __S.disown(this.getDivergence()); }
    getDivergence(): Divergence {
        __S.testWhich("divergence", __S.getUint16(0, this), 6, this);
        return __S.getStruct(0, Divergence, this);
    }
    hasDivergence(): boolean { return !__S.isNull(__S.getPointer(0, this)); }
    initDivergence(): Divergence {
        __S.setUint16(0, 6, this);
        return __S.initStructAt(0, Divergence, this);
    }
    isDivergence(): boolean { return __S.getUint16(0, this) === 6; }
    setDivergence(value: Divergence): void {
        __S.setUint16(0, 6, this);
        __S.copyFrom(value, __S.getPointer(0, this));
    }
    getStop(): string {
        __S.testWhich("stop", __S.getUint16(0, this), 7, this);
        return __S.getText(0, this);
    }
    isStop(): boolean { return __S.getUint16(0, this) === 7; }
    setStop(value: string): void {
        __S.setUint16(0, 7, this);
        __S.setText(0, value, this);
    }
    getCaughtUp(): bigint {
        __S.testWhich("caughtUp", __S.getUint16(0, this), 8, this);
        return __S.getUint64(8, this);
    }
    isCaughtUp(): boolean { return __S.getUint16(0, this) === 8; }
    setCaughtUp(value: bigint): void {
        __S.setUint16(0, 8, this);
        __S.setUint64(8, value, this);
    }
    isGoodbye(): boolean { return __S.getUint16(0, this) === 9; }
    setGoodbye(): void { __S.setUint16(0, 9, this); }
    getRefused(): string {
        __S.testWhich("refused", __S.getUint16(0, this), 10, this);
        return __S.getText(0, this);
    }
    isRefused(): boolean { return __S.getUint16(0, this) === 10; }
    setRefused(value: string): void {
        __S.setUint16(0, 10, this);
        __S.setText(0, value, this);
    }
    adoptOpenings(value: capnp.Orphan<capnp.Data>): void {
        __S.setUint16(0, 11, this);
        __S.adopt(value, __S.getPointer(0, this));
    }
    disownOpenings(): capnp.Orphan<capnp.Data> { return __S.disown(this.getOpenings()); }
    getOpenings(): capnp.Data {
        __S.testWhich("openings", __S.getUint16(0, this), 11, this);
        return __S.getData(0, this);
    }
    hasOpenings(): boolean { return !__S.isNull(__S.getPointer(0, this)); }
    initOpenings(length: number): capnp.Data {
        __S.setUint16(0, 11, this);
        return __S.initData(0, length, this);
    }
    isOpenings(): boolean { return __S.getUint16(0, this) === 11; }
    setOpenings(value: capnp.Data): void {
        __S.setUint16(0, 11, this);
        __S.copyFrom(value, __S.getPointer(0, this));
    }
    getKnown(): bigint {
        __S.testWhich("known", __S.getUint16(0, this), 12, this);
        return __S.getUint64(8, this);
    }
    isKnown(): boolean { return __S.getUint16(0, this) === 12; }
    setKnown(value: bigint): void {
        __S.setUint16(0, 12, this);
        __S.setUint64(8, value, this);
    }
    override toString(): string { return "Control_" + super.toString(); }
    which(): Control_Which { return __S.getUint16(0, this); }
}
export enum Role {
    EITHER,
    PRIMARY,
    BACKUP
}
export class Hello extends __S {
    static override readonly _capnp = { displayName: "Hello", id: "c14157738420ff8a", size: new __O(24, 3) };
    getVersion(): number { return __S.getUint32(0, this); }
    setVersion(value: number): void { __S.setUint32(0, value, this); }
    getTableHash(): string { return __S.getText(0, this); }
    setTableHash(value: string): void { __S.setText(0, value, this); }
    getRole(): Role { return __S.getUint16(4, this); }
    setRole(value: Role): void { __S.setUint16(4, value, this); }
    getName(): string { return __S.getText(1, this); }
    setName(value: string): void { __S.setText(1, value, this); }
    adoptFeatures(value: capnp.Orphan<capnp.List<string>>): void { __S.adopt(value, __S.getPointer(2, this)); }
    disownFeatures(): capnp.Orphan<capnp.List<string>> { return __S.disown(this.getFeatures()); }
    getFeatures(): capnp.List<string> { return __S.getList(2, capnp.TextList, this); }
    hasFeatures(): boolean { return !__S.isNull(__S.getPointer(2, this)); }
    initFeatures(length: number): capnp.List<string> { return __S.initList(2, capnp.TextList, length, this); }
    setFeatures(value: capnp.List<string>): void { __S.copyFrom(value, __S.getPointer(2, this)); }
    getInstance(): bigint { return __S.getUint64(8, this); }
    setInstance(value: bigint): void { __S.setUint64(8, value, this); }
    getNextSeq(): bigint { return __S.getUint64(16, this); }
    setNextSeq(value: bigint): void { __S.setUint64(16, value, this); }
    override toString(): string { return "Hello_" + super.toString(); }
}
export class RoleClaim extends __S {
    static override readonly _capnp = { displayName: "RoleClaim", id: "fd28c7966f97efa3", size: new __O(16, 0) };
    getRole(): Role { return __S.getUint16(0, this); }
    setRole(value: Role): void { __S.setUint16(0, value, this); }
    getGeneration(): bigint { return __S.getUint64(8, this); }
    setGeneration(value: bigint): void { __S.setUint64(8, value, this); }
    override toString(): string { return "RoleClaim_" + super.toString(); }
}
export enum Commit {
    ASYNC,
    LOGGED,
    VERIFIED
}
export enum Files {
    MIRRORED,
    CARRIED
}
export class Manifest extends __S {
    static override readonly _capnp = { displayName: "Manifest", id: "e04fc5db6d343593", size: new __O(24, 3) };
    static _Executables: capnp.ListCtor<Executable>;
    getSeed(): bigint { return __S.getUint64(0, this); }
    setSeed(value: bigint): void { __S.setUint64(0, value, this); }
    getHostname(): string { return __S.getText(0, this); }
    setHostname(value: string): void { __S.setText(0, value, this); }
    getVip(): string { return __S.getText(1, this); }
    setVip(value: string): void { __S.setText(1, value, this); }
    getPrefix(): number { return __S.getUint8(8, this); }
    setPrefix(value: number): void { __S.setUint8(8, value, this); }
    getCommit(): Commit { return __S.getUint16(10, this); }
    setCommit(value: Commit): void { __S.setUint16(10, value, this); }
    getFiles(): Files { return __S.getUint16(12, this); }
    setFiles(value: Files): void { __S.setUint16(12, value, this); }
    getRingBytes(): bigint { return __S.getUint64(16, this); }
    setRingBytes(value: bigint): void { __S.setUint64(16, value, this); }
    adoptExecutables(value: capnp.Orphan<capnp.List<Executable>>): void { __S.adopt(value, __S.getPointer(2, this)); }
    disownExecutables(): capnp.Orphan<capnp.List<Executable>> { return __S.disown(this.getExecutables()); }
    getExecutables(): capnp.List<Executable> { return __S.getList(2, Manifest._Executables, this); }
    hasExecutables(): boolean { return !__S.isNull(__S.getPointer(2, this)); }
    initExecutables(length: number): capnp.List<Executable> { return __S.initList(2, Manifest._Executables, length, this); }
    setExecutables(value: capnp.List<Executable>): void { __S.copyFrom(value, __S.getPointer(2, this)); }
    override toString(): string { return "Manifest_" + super.toString(); }
}
export class Executable extends __S {
    static override readonly _capnp = { displayName: "Executable", id: "a87b98a9a4e037a4", size: new __O(16, 2) };
    getPath(): string { return __S.getText(0, this); }
    setPath(value: string): void { __S.setText(0, value, this); }
    getSize(): bigint { return __S.getUint64(0, this); }
    setSize(value: bigint): void { __S.setUint64(0, value, this); }
    getMtimeNs(): bigint { return __S.getUint64(8, this); }
    setMtimeNs(value: bigint): void { __S.setUint64(8, value, this); }
    getHash(): string { return __S.getText(1, this); }
    setHash(value: string): void { __S.setText(1, value, this); }
    override toString(): string { return "Executable_" + super.toString(); }
}
export class Process extends __S {
    static override readonly _capnp = { displayName: "Process", id: "8e0bd02a1fdcedaa", size: new __O(32, 4) };
    static _Limits: capnp.ListCtor<Limit>;
    adoptArgv(value: capnp.Orphan<capnp.List<string>>): void { __S.adopt(value, __S.getPointer(0, this)); }
    disownArgv(): capnp.Orphan<capnp.List<string>> { return __S.disown(this.getArgv()); }
    getArgv(): capnp.List<string> { return __S.getList(0, capnp.TextList, this); }
    hasArgv(): boolean { return !__S.isNull(__S.getPointer(0, this)); }
    initArgv(length: number): capnp.List<string> { return __S.initList(0, capnp.TextList, length, this); }
    setArgv(value: capnp.List<string>): void { __S.copyFrom(value, __S.getPointer(0, this)); }
    adoptEnvp(value: capnp.Orphan<capnp.List<string>>): void { __S.adopt(value, __S.getPointer(1, this)); }
    disownEnvp(): capnp.Orphan<capnp.List<string>> { return __S.disown(this.getEnvp()); }
    getEnvp(): capnp.List<string> { return __S.getList(1, capnp.TextList, this); }
    hasEnvp(): boolean { return !__S.isNull(__S.getPointer(1, this)); }
    initEnvp(length: number): capnp.List<string> { return __S.initList(1, capnp.TextList, length, this); }
    setEnvp(value: capnp.List<string>): void { __S.copyFrom(value, __S.getPointer(1, this)); }
    getCwd(): string { return __S.getText(2, this); }
    setCwd(value: string): void { __S.setText(2, value, this); }
    getUid(): number { return __S.getUint32(0, this); }
    setUid(value: number): void { __S.setUint32(0, value, this); }
    getGid(): number { return __S.getUint32(4, this); }
    setGid(value: number): void { __S.setUint32(4, value, this); }
    getUmask(): number { return __S.getUint32(8, this); }
    setUmask(value: number): void { __S.setUint32(8, value, this); }
    adoptLimits(value: capnp.Orphan<capnp.List<Limit>>): void { __S.adopt(value, __S.getPointer(3, this)); }
    disownLimits(): capnp.Orphan<capnp.List<Limit>> { return __S.disown(this.getLimits()); }
    getLimits(): capnp.List<Limit> { return __S.getList(3, Process._Limits, this); }
    hasLimits(): boolean { return !__S.isNull(__S.getPointer(3, this)); }
    initLimits(length: number): capnp.List<Limit> { return __S.initList(3, Process._Limits, length, this); }
    setLimits(value: capnp.List<Limit>): void { __S.copyFrom(value, __S.getPointer(3, this)); }
    getEuid(): number { return __S.getUint32(12, this); }
    setEuid(value: number): void { __S.setUint32(12, value, this); }
    getEgid(): number { return __S.getUint32(16, this); }
    setEgid(value: number): void { __S.setUint32(16, value, this); }
    getStartRealNs(): bigint { return __S.getUint64(24, this); }
    setStartRealNs(value: bigint): void { __S.setUint64(24, value, this); }
    override toString(): string { return "Process_" + super.toString(); }
}
export class Limit extends __S {
    static override readonly _capnp = { displayName: "Limit", id: "fdbea3224437502b", size: new __O(24, 0) };
    getResource(): number { return __S.getUint32(0, this); }
    setResource(value: number): void { __S.setUint32(0, value, this); }
    getSoft(): bigint { return __S.getUint64(8, this); }
    setSoft(value: bigint): void { __S.setUint64(8, value, this); }
    getHard(): bigint { return __S.getUint64(16, this); }
    setHard(value: bigint): void { __S.setUint64(16, value, this); }
    override toString(): string { return "Limit_" + super.toString(); }
}
export class Watermark extends __S {
    static override readonly _capnp = { displayName: "Watermark", id: "a0cc63532fc7e06d", size: new __O(32, 0) };
    getReceived(): bigint { return __S.getUint64(0, this); }
    setReceived(value: bigint): void { __S.setUint64(0, value, this); }
    getReplayed(): bigint { return __S.getUint64(8, this); }
    setReplayed(value: bigint): void { __S.setUint64(8, value, this); }
    getReceivedSeq(): bigint { return __S.getUint64(16, this); }
    setReceivedSeq(value: bigint): void { __S.setUint64(16, value, this); }
    getReplayedSeq(): bigint { return __S.getUint64(24, this); }
    setReplayedSeq(value: bigint): void { __S.setUint64(24, value, this); }
    override toString(): string { return "Watermark_" + super.toString(); }
}
export class Divergence extends __S {
    static override readonly _capnp = { displayName: "Divergence", id: "ec6abf66afbcba4b", size: new __O(24, 2) };
    getSeq(): bigint { return __S.getUint64(0, this); }
    setSeq(value: bigint): void { __S.setUint64(0, value, this); }
    getRow(): number { return __S.getUint32(8, this); }
    setRow(value: number): void { __S.setUint32(8, value, this); }
    getPid(): number { return __S.getUint32(12, this); }
    setPid(value: number): void { __S.setUint32(12, value, this); }
    getTid(): number { return __S.getUint32(16, this); }
    setTid(value: number): void { __S.setUint32(16, value, this); }
    getExpected(): string { return __S.getText(0, this); }
    setExpected(value: string): void { __S.setText(0, value, this); }
    getGot(): string { return __S.getText(1, this); }
    setGot(value: string): void { __S.setText(1, value, this); }
    override toString(): string { return "Divergence_" + super.toString(); }
}
Manifest._Executables = capnp.CompositeList(Executable);
Process._Limits = capnp.CompositeList(Limit);
