"""The configuration files of clamd and SpamAssassin: what in them cannot work, or works against us."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

FIXED_IN_CLAMD = ("LocalSocket", "TCPSocket", "TCPAddr")
"""The mail engine reaches clamd by these."""

_CLAMD_OPTIONS = frozenset(
    re.findall(
        r"\w+",
        """
    AlertBrokenExecutables AlertBrokenMedia AlertEncrypted AlertEncryptedArchive AlertEncryptedDoc
    AlertExceedsMax AlertOLE2Macros AlertPartitionIntersection AlertPhishingCloak AlertPhishingSSLMismatch
    AlgorithmicDetection AllowAllMatchScan ArchiveBlockEncrypted BlockMax Bytecode BytecodeMode
    BytecodeSecurity BytecodeTimeout BytecodeUnsigned CacheSize CommandReadTimeout ConcurrentDatabaseReload
    CrossFilesystems DatabaseDirectory Debug DetectPUA DisableCache DisableCertCheck ExcludePUA ExcludePath
    ExitOnOOM ExtendedDetectionInfo FailIfCvdOlderThan FixStaleSocket FollowDirectorySymlinks
    FollowFileSymlinks ForceToDisk Foreground GenerateMetadataJson HeuristicAlerts HeuristicScanPrecedence
    IdleTimeout IncludePUA LeaveTemporaryFiles LocalSocket LocalSocketGroup LocalSocketMode LogClean
    LogFacility LogFile LogFileMaxSize LogFileUnlock LogRotate LogSyslog LogTime LogVerbose
    MaxConnectionQueueLength MaxDirectoryRecursion MaxEmbeddedPE MaxFileSize MaxFiles MaxHTMLNoTags
    MaxHTMLNormalize MaxIconsPE MaxPartitions MaxQueue MaxRecHWP3 MaxRecursion MaxScanSize MaxScanTime
    MaxScriptNormalize MaxThreads MaxZipTypeRcg OLE2BlockMacros OfficialDatabaseOnly OnAccessCurlTimeout
    OnAccessDenyOnError OnAccessDisableDDD OnAccessExcludePath OnAccessExcludeRootUID OnAccessExcludeUID
    OnAccessExcludeUname OnAccessExtraScanning OnAccessIncludePath OnAccessMaxFileSize OnAccessMaxThreads
    OnAccessMountPath OnAccessPrevention OnAccessRetryAttempts PCREMatchLimit PCREMaxFileSize
    PCRERecMatchLimit PartitionIntersection PhishingAlwaysBlockCloak PhishingAlwaysBlockSSLMismatch
    PhishingScanURLs PhishingSignatures PidFile PreludeAnalyzerName PreludeEnable ReadTimeout ScanArchive
    ScanELF ScanHTML ScanHWP3 ScanImage ScanImageFuzzyHash ScanMail ScanOLE2 ScanOneNote ScanPDF ScanPE
    ScanPartialMessages ScanSWF ScanXMLDOCS SelfCheck SendBufTimeout StreamMaxLength StreamMaxPort
    StreamMinPort StructuredCCOnly StructuredDataDetection StructuredMinCreditCardCount
    StructuredMinSSNCount StructuredSSNFormatNormal StructuredSSNFormatStripped TCPAddr TCPSocket
    TemporaryDirectory User VirusEvent
    """,
    )
)
"""clamd.conf(5) of ClamAV 1.4."""

_SIZE = re.compile(r"(\d+)([KkMm]?)\Z")
_UNITS = {"": 1, "k": 1024, "m": 1024 * 1024}

NOT_SHIPPED = {
    "bayes": "Bayesian rules",
    "razor": "Razor2",
    "dcc": "DCC",
    "pyzor": "Pyzor",
}
"""Modules of SpamAssassin that are not part of this product, by how their options begin."""

_MODULE_OPTION = re.compile(r"(?:use_)?(bayes|razor|dcc|pyzor)(?:2|_\w+)?\Z")
_MODULE_PLUGIN = re.compile(r"Mail::SpamAssassin::Plugin::(Bayes|Razor|DCC|Pyzor)\w*\Z", re.IGNORECASE)
_LOADING = ("loadplugin", "tryplugin")


@dataclass(frozen=True, slots=True)
class ConfigWarning:
    """`line` counts from 1; 0 is about something that is missing."""

    line: int
    option: str
    text: str


def check_clamd_config(
    text: str, ours: Mapping[str, str], largest_message: int = 0
) -> tuple[ConfigWarning, ...]:
    """Everything in a clamd.conf that a person should look at.

    `ours` are options with the values the mail engine relies on; `largest_message` in bytes (databytes),
    0 if there is no limit.
    """
    warnings = list(_clamd_warnings(text, ours, largest_message))
    given = {option for _, option, _ in _clamd_lines(text)}
    for option in FIXED_IN_CLAMD:
        if option in ours and option not in given:
            warnings.append(ConfigWarning(0, option, f"missing; the mail engine expects {ours[option]}"))
    return tuple(warnings)


def _clamd_warnings(text: str, ours: Mapping[str, str], largest: int) -> Iterator[ConfigWarning]:
    for number, option, value in _clamd_lines(text):
        if option == "Example":
            yield ConfigWarning(number, option, "clamd does not start while this line is here; remove it")
        elif option not in _CLAMD_OPTIONS:
            yield ConfigWarning(number, option, "clamd.conf has no such option")
        elif option in FIXED_IN_CLAMD and value != ours.get(option):
            wanted = ours.get(option, "no such line")
            yield ConfigWarning(number, option, f"do not change this: the mail engine expects {wanted}")
        elif option == "StreamMaxLength" and 0 < (size := _size(value)) < largest:
            words = (
                f"messages have up to {largest} bytes (databytes); those above {size} would not be scanned"
            )
            yield ConfigWarning(number, option, words)


def merged_clamd_config(text: str, ours: Mapping[str, str], heading: str) -> str:
    """A clamd.conf with the options of `ours` in front and all others of `text` kept, without Example."""
    fixed = {*ours, *FIXED_IN_CLAMD, "Example"}
    dropped = {number for number, option, _ in _clamd_lines(text) if option in fixed}
    rest = [line for number, line in enumerate(text.split("\n"), 1) if number not in dropped]
    front = [heading, *(f"{option} {value}" for option, value in ours.items())]
    return "\n".join(front + [line for line in rest if line != heading])


def check_spamassassin_config(text: str) -> tuple[ConfigWarning, ...]:
    """Options and plugins of modules that are not shipped, unless they are switched off."""
    found: list[ConfigWarning] = []
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split("#", 1)[0].split()
        if len(words) > 1 and (module := _module_of(words)):
            what = f"{NOT_SHIPPED[module]} is not part of this product; install it first or leave this out"
            found.append(ConfigWarning(number, words[0], what))
    return tuple(found)


def _module_of(words: list[str]) -> str | None:
    """The module that a line needs, if it is one that is not shipped."""
    if words[0] in _LOADING:
        plugin = _MODULE_PLUGIN.match(words[1])
        return plugin[1].lower() if plugin else None
    option = _MODULE_OPTION.match(words[0])
    return option[1] if option and words[1] != "0" else None


def _clamd_lines(text: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        words = line.strip().split(None, 1)
        if words and not words[0].startswith("#"):
            yield number, words[0], _unquoted(words[1].strip()) if len(words) > 1 else ""


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _size(value: str) -> int:
    found = _SIZE.match(value)
    return int(found[1]) * _UNITS[found[2].lower()] if found else 0
