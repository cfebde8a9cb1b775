"""The demo: public data sets, joined with generated people and events, and the story told on them.

Everything generated follows from a seed and a given present. Every e-mail address stands
under a name that RFC 2606 reserves, so no message could ever reach anybody.
"""
