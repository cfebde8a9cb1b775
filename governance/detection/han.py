"""Names in Chinese characters: a surname and one or two signs more, where something says that they are one.

A word or a field for names stands before them, or a title behind: without it any three signs could be one.
Sources: the hundred most common surnames (Ministry of Public Security, 2020), in both scripts, and those of
two signs. Linear, by RE2.
"""

from collections.abc import Iterator

import re2

from governance.detection import tongues
from governance.detection.candidates import Span
from governance.detection.surroundings import named
from governance.detection.written import FIELDS, SIGNS

_ONE = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
    "張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧蕭葉蘇呂盧鐘譚陸賈韋鄒龍賀顧龔萬錢嚴湯"
)
_TWO = "欧阳|歐陽|司马|司馬|上官|诸葛|諸葛|皇甫|尉迟|慕容|令狐|夏侯|司徒|公孙|宇文|端木|南宫"
_SURNAME = rf"(?:{_TWO}|[{_ONE}])"
_TITLE = "(?:先生|女士|小姐|太太)"
# All of a run of signs, perhaps with a title behind it.
_RUN = re2.compile(rf"(?:^|\P{{Han}})({_SURNAME}\p{{Han}}{{1,2}}){_TITLE}?(?:\P{{Han}}|$)")
_CALLED = re2.compile(
    rf"(?:(?:{tongues.NAME['zh']})(?:是|为|為|叫|[：:] ?| )|[我他她名]叫)"
    rf"({_SURNAME}\p{{Han}}{{1,2}}){_TITLE}?(?:\P{{Han}}|$)"
)
_TITLED = re2.compile(rf"({_SURNAME}\p{{Han}}{{1,2}}?){_TITLE}")


def names(text: str) -> Iterator[Span]:
    """Names that a word, a field, the head of a column or a title says to be some."""
    for form in (_CALLED, _TITLED):
        for match in form.finditer(text):
            yield match.span(1)
    at = 0
    # What ends one run may begin the next.
    while match := _RUN.search(text, at):
        if named(text, match.start(1), FIELDS, SIGNS):
            yield match.span(1)
        at = match.end(1)
